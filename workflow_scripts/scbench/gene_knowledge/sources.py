"""All vectors of genes that a method declares, of one dataset, without the workflow and its files."""

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
    """Vectors and reports of `sources`, with the `gene_knowledge` section of the configuration as `settings`.

    Returns
    -------
    {source: (n_genes, width)} of those that gave vectors, and {source: report} of all.
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
