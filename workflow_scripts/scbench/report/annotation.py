"""The table of the annotation task: macro-F1 on held-out batches, beside that of logistic regression."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Average the annotation of all runs over their held-out parts.

    Parameters
    ----------
    table
        Of `scbench.analyses.annotation`, with the columns dataset, method and seed before it.

    Returns
    -------
    Columns dataset, method, seed, annotator, held_out_parts, macro_f1: the mean over parts, each held out once.
    """
    by = table.groupby(["dataset", "method", "seed", "annotator"], sort=False)["macro_f1"]
    return by.agg(held_out_parts="size", macro_f1="mean").reset_index()
