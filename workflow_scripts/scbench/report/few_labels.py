"""Table of the annotation from few labelled cells: one row per dataset and fraction of labelled cells."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Average macro-F1 over the held-out batches of each seed, and then over seeds.

    Parameters
    ----------
    table
        Table of `scbench.analyses.few_labels` with additional leading columns dataset, method and seed.

    Returns
    -------
    Table with the columns dataset, fraction, n_labelled (mean), and one per annotator.
    """
    by = ["dataset", "fraction"]
    runs = table.groupby([*by, "seed", "annotator"], sort=False)["macro_f1"].mean().unstack()
    mean = runs[list(dict.fromkeys(table["annotator"]))].groupby(by, sort=False).mean()
    mean.columns.name = None
    mean.insert(0, "n_labelled", table.groupby(by, sort=False)["n_labelled"].mean().round().astype(int))
    return mean.reset_index()
