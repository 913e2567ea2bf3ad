"""Scores per cell type and per batch, averaged over seeds."""

from __future__ import annotations

import pandas as pd

KEYS = ["dataset", "method", "level", "name", "metric"]


def summarise_by_type(scores: pd.DataFrame) -> pd.DataFrame:
    """Average the scores per cell type and per batch over seeds.

    Parameters
    ----------
    scores
        Rows of by_type.tsv of all runs, see `checks.BY_TYPE_COLUMNS`.

    Returns
    -------
    Table with the columns dataset, method, level (cell_type | batch), name, metric, mean, sd (n - 1), n_seeds (seeds
    with a value), cells.
    """
    groups = scores.groupby(KEYS, sort=True)
    return groups.agg(
        mean=("value", "mean"), sd=("value", "std"), n_seeds=("value", "count"), cells=("cells", "first")
    ).reset_index()
