"""Table of five classifiers on held-out batches: one row per dataset and method."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Average macro-F1 over the held-out batches of each seed, and then over seeds.

    Parameters
    ----------
    table
        Table of `scbench.analyses.classifiers` with additional leading columns dataset, method and seed.

    Returns
    -------
    Table with the columns dataset, method, seeds (their number), a column per classifier, and mean, which is that over
    classifiers; the best method of a dataset first.
    """
    runs = table.groupby(["dataset", "method", "seed", "classifier"], sort=False)["macro_f1"].mean().unstack()
    by = runs[list(dict.fromkeys(table["classifier"]))].groupby(["dataset", "method"], sort=False)
    mean = by.mean()
    mean.columns.name = None
    mean.insert(0, "seeds", by.size())
    mean["mean"] = mean.drop(columns="seeds").mean(axis=1)
    places = {name: place for place, name in enumerate(dict.fromkeys(table["dataset"]))}
    mean = mean.reset_index()
    return mean.sort_values(["dataset", "mean"], ascending=[True, False], kind="stable", key=lambda column: (
        column.map(places) if column.name == "dataset" else column
    ), ignore_index=True)  # fmt: skip
