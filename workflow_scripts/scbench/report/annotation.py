"""Table of the annotation task: macro-F1 on held-out batches, compared with logistic regression."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Average the annotation scores of each run over the held-out folds.

    Parameters
    ----------
    table
        Table of `scbench.analyses.annotation` with additional leading columns dataset, method and seed.

    Returns
    -------
    Table with the columns dataset, method, seed, annotator, held_out_parts, macro_f1: the mean over folds.
    """
    by = table.groupby(["dataset", "method", "seed", "annotator"], sort=False)["macro_f1"]
    return by.agg(held_out_parts="size", macro_f1="mean").reset_index()
