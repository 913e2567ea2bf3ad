"""Summary of the scores for each of several levels of cell types."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from scbench.ranking.summary import SUMMARY_COLUMNS, summarise

LEVEL_SUMMARY_COLUMNS = [*SUMMARY_COLUMNS[:2], "labels", *SUMMARY_COLUMNS[2:]]


def summarise_levels(levels: pd.DataFrame, kinds: Mapping[str, str], *arguments, **options) -> pd.DataFrame:
    """Summarise the scores of every level over seeds, with the totals that it would give as the cell type.

    Parameters
    ----------
    levels
        Rows of levels.tsv of all runs, see `checks.LEVEL_COLUMNS`.
    kinds, arguments, options
        See `scbench.ranking.summary.summarise`.

    Returns
    -------
    Table of SUMMARY_COLUMNS with the column labels after method; no rows if no dataset has several levels.
    """
    tables = [
        summarise(scores.drop(columns="labels"), kinds, *arguments, **options).assign(labels=name)
        for name, scores in levels.groupby("labels", sort=False)
    ]
    table = pd.concat(tables) if tables else pd.DataFrame(columns=LEVEL_SUMMARY_COLUMNS)
    return table[LEVEL_SUMMARY_COLUMNS].sort_values("dataset", kind="stable", ignore_index=True)
