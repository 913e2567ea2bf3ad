"""The table of the annotation task: macro-F1 on held-out batches, beside that of logistic regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd


def summarise_annotation(tables: Sequence[pd.DataFrame], runs: Sequence[Mapping]) -> pd.DataFrame:
    """Average the annotation tables of `runs` (dataset, method, seed) over their held-out parts.

    Returns
    -------
    Columns dataset, method, seed, annotator, held_out_parts, macro_f1: the mean over parts, each held out once.
    """
    if not tables:
        return pd.DataFrame(columns=["dataset", "method", "seed", "annotator", "held_out_parts", "macro_f1"])
    table = pd.concat([part.assign(**run) for part, run in zip(tables, runs, strict=True)], ignore_index=True)
    by = table.groupby(["dataset", "method", "seed", "annotator"], sort=False)["macro_f1"]
    return by.agg(held_out_parts="size", macro_f1="mean").reset_index()
