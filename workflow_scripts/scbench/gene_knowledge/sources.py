"""Compute all gene vectors that a method declares for one dataset, without the workflow and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from scbench.gene_knowledge.coexpression import of_dataset
from scbench.gene_knowledge.tables import of_tables
from scbench.gene_knowledge.vectors import from_pairs

if TYPE_CHECKING:
    from anndata import AnnData


def make_vectors(
    dataset: AnnData, sources: Sequence[str], settings: Mapping
) -> tuple[dict[str, np.ndarray], dict[str, dict]]:
    """Compute vectors and reports for `sources`, with the section `gene_knowledge` of the configuration as `settings`.

    Returns
    -------
    {source: (n_genes, width)} for the sources that gave vectors, and {source: report} for all sources.
    """
    genes = dataset.var_names.to_numpy()
    vectors, reports = {}, {}
    for source in sources:
        if source == "knowledge":
            chosen = {key: settings[key] for key in ("tables", "text_columns", "sentence_model", "width")}
            found, report = of_tables(genes, **chosen)
        else:
            chosen = {key: settings[key] for key in ("cells_per_metacell", "threshold")}
            pairs, report = of_dataset(dataset, **chosen)
            names = [[genes[a], genes[b]] for a, b in pairs]
            found, report = from_pairs(source, names, report, genes, width=settings["width"])
        reports[source] = report
        if "off" not in report:
            vectors[source] = found
    return vectors, reports
