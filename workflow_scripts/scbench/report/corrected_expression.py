"""Table of corrected expression: the highly variable genes that it keeps."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Average the overlap over batches and seeds.

    Parameters
    ----------
    table
        Table of `scbench.analyses.corrected_expression` with additional leading columns dataset, method and seed.

    Returns
    -------
    Table with the columns dataset, method, n_genes, n_seeds, hvg_overlap (mean over batches and seeds), sd (over seeds)
    and by_chance.
    """
    groups, found = ["dataset", "method", "n_genes"], ["hvg_overlap", "by_chance"]
    by = table.groupby([*groups, "seed"], sort=False)[found].mean().groupby(groups, sort=False)
    mean = by.mean()
    mean.insert(0, "n_seeds", by.size())
    mean.insert(2, "sd", by["hvg_overlap"].std())
    return mean.reset_index()
