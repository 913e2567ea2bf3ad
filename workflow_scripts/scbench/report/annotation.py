"""Table and figure of the annotation task: macro-F1 on held-out batches, compared with logistic regression."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scbench.report.figures import OKABE_ITO
from scbench.report.runtime import GRID

REGRESSION = "logistic_regression"


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


def draw(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Draw the table of `gather`, annotation: one row per dataset and method, one point per seed and annotator."""
    drawn = tables["annotation"]
    rows = list(drawn[["dataset", "method"]].drop_duplicates().itertuples(index=False, name=None))
    figure = Figure(figsize=(7, 0.34 * len(rows) + 1.1), layout="constrained")
    axes = figure.subplots()
    styles = {"Classifier on the trunk": ("o", OKABE_ITO[0], -0.14), "Logistic regression": ("D", OKABE_ITO[1], 0.14)}
    for (name, (marker, colour, offset)), chosen in zip(
        styles.items(), (drawn["annotator"] != REGRESSION, drawn["annotator"] == REGRESSION), strict=True
    ):
        points = drawn[chosen]
        y = [rows.index(row) + offset for row in zip(points["dataset"], points["method"], strict=True)]
        axes.scatter(points["macro_f1"], y, marker=marker, color=colour, s=22, linewidths=0, alpha=0.8, label=name)
    axes.set_yticks(range(len(rows)), [f"{dataset}\n{labels.get(method, method)}" for dataset, method in rows])
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.hlines(np.arange(len(rows) - 1) + 0.5, 0, 1, transform=axes.get_yaxis_transform(), **GRID)
    axes.set_xlabel("Macro-F1 on held-out batches")
    axes.grid(axis="x")
    figure.legend(loc="outside upper center", ncols=2)
    return figure, drawn
