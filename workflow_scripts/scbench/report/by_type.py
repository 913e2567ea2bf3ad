"""Mixing and purity of every cell type: which type is under-mixed, and which is mixed with others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PANELS = {
    "cilisi": "Mixing of batches within the type (CiLISI)\nlow: under-mixed",
    "purity": "Purity of neighbourhoods\nlow: mixed with other types",
}
CELL, LABELS_WIDTH, HEADING = 0.36, 2.2, 1.5  # inches
MAX_PRINTED = 14  # cell types; of more, the values are shown by colour only
COLUMNS = ["dataset", "method", "label", "name", "cells", "metric", "mean"]


def draw(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Draw two heatmaps, methods x cell types, for every dataset with cell types.

    Parameters
    ----------
    tables
        by_type, see docs/reference/files.md.
    labels
        {method: display name}, in display order.

    Returns
    -------
    The figure and the drawn values: dataset, method, label, name, cells, metric, mean.
    """
    table = tables["by_type"]
    drawn = table[(table["level"] == "cell_type") & table["metric"].isin(list(PANELS))]
    drawn = drawn.assign(label=drawn["method"].map(labels), name=drawn["name"].astype(str))[COLUMNS]
    datasets = {str(name): one for name, one in drawn.groupby("dataset")}
    shapes = [(one["method"].nunique(), one["name"].nunique()) for one in datasets.values()] or [(4, 4)]
    width = 2 * max(CELL * max(types for _, types in shapes), 2.6) + LABELS_WIDTH
    heights = [CELL * methods + HEADING for methods, _ in shapes]
    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    grid = figure.subplots(len(shapes), len(PANELS), squeeze=False, height_ratios=heights)
    if not datasets:
        for axes in grid.ravel():
            axes.set_axis_off()
        figure.text(0.5, 0.5, "No dataset has cell types", ha="center", va="center")
    for row, (dataset, one) in zip(grid, datasets.items(), strict=False):
        for axes, (metric, title) in zip(row, PANELS.items(), strict=True):
            image = _heatmap(axes, one[one["metric"] == metric], one, labels, title)
        row[0].set_ylabel(dataset, fontweight="bold")
        row[1].set_yticklabels([])
        figure.colorbar(image, ax=row, shrink=0.6, aspect=15)
    return figure, drawn.reset_index(drop=True)


def _heatmap(axes: Axes, values: pd.DataFrame, of_dataset: pd.DataFrame, labels: Mapping[str, str], title: str):
    """Draw the values of one metric; rows and columns are those of the dataset, missing values are blank."""
    types = of_dataset.drop_duplicates("name").sort_values("cells", ascending=False)
    methods = [method for method in labels if method in set(of_dataset["method"])]
    wide = values.pivot(index="method", columns="name", values="mean").reindex(index=methods, columns=types["name"])
    matrix = wide.to_numpy(dtype=float)
    image = axes.imshow(matrix, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    names = [f"{name} ({cells})" for name, cells in zip(types["name"], types["cells"], strict=True)]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=7)
    axes.set_yticks(range(len(methods)), [labels[method] for method in methods], fontsize=8)
    axes.set_title(title, fontsize=9)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    if len(names) <= MAX_PRINTED:
        for row, column in np.argwhere(np.isfinite(matrix)):
            value = matrix[row, column]
            colour = "black" if value > 0.5 else "white"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6.5, color=colour)
    return image
