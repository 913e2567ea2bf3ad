"""Projections of the embedding of every method on one dataset, by cell type and by batch, on a landscape page."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scbench.report.figures import category_colours, legend_label
from scbench.seeding import generator

COLUMNS = {"cell_type": "Cell type", "batch": "Batch"}
# lengths in inches
PAGE, HEAD, GAP, MARGIN = (11.0, 7.6), 0.3, 0.06, 0.1
LARGEST_PANEL, LEGEND_ROW, CHARACTER = 2.2, 0.17, 0.062


def grid_table(projections: Mapping[str, pd.DataFrame], truth: pd.DataFrame) -> pd.DataFrame:
    """Return the table to draw: columns method, cell_id, x, y, batch, cell_type; methods in the given order."""
    known = truth.set_index("cell_id")[["batch", "cell_type"]]
    tables = [table.assign(method=method).join(known, on="cell_id") for method, table in projections.items()]
    return pd.concat(tables, ignore_index=True)[["method", "cell_id", "x", "y", "batch", "cell_type"]]


def projection_figure(table: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Draw the table of `grid_table`: two panels per method, by cell type (if known) and by batch.

    The methods are wrapped to fill a landscape page of 11 x 7.6 inches; the legends stand at the right.
    """
    methods = list(dict.fromkeys(table["method"]))
    shown = [column for column in COLUMNS if (table[column] != "").any()]
    colours = {column: category_colours(sorted(table[column].unique())) for column in shown}
    legends = {column: [name for name in colours[column] if (table[column] == name).any()] for column in shown}
    longest = max(len(_short(name)) for names in legends.values() for name in names)
    most = max(map(len, legends.values()))
    n_legend_columns = math.ceil(most / _legend_rows(PAGE[1], len(shown)))
    legend_width = n_legend_columns * (0.3 + longest * CHARACTER)
    columns, panel = _layout(len(methods), len(shown), PAGE[0] - legend_width)
    height = 2 * MARGIN + math.ceil(len(methods) / columns) * (panel + HEAD)
    while math.ceil(most / _legend_rows(height, len(shown))) > n_legend_columns:
        height += LEGEND_ROW
    left_of_legend = MARGIN + columns * (len(shown) * panel + 2 * GAP)
    width = left_of_legend + legend_width + MARGIN
    figure = Figure(figsize=(width, height))
    for place, method in enumerate(methods):
        one = table[table["method"] == method]
        one = one.iloc[generator(0, "umap_figure").permutation(len(one))]
        x = MARGIN + (place % columns) * (len(shown) * panel + 2 * GAP)
        top = height - MARGIN - (place // columns) * (panel + HEAD)
        name = textwrap.shorten(labels.get(method, method), int(len(shown) * panel / 0.075), placeholder="…")
        figure.text((x + 0.02) / width, (top - 0.2) / height, name, fontsize=8.5, fontweight="bold")
        for position, column in enumerate(shown):
            box = (x + position * panel, top - HEAD - panel + 0.04, panel - 0.04, panel - 0.04)
            axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
            _draw_cells(axes, one, one[column].map(colours[column]))
    for position, column in enumerate(shown):
        anchor = (left_of_legend / width, 1 - (MARGIN + position * (height - 2 * MARGIN) / len(shown)) / height)
        drawn = {name: colours[column][name] for name in legends[column]}
        _draw_legend(figure, COLUMNS[column], drawn, anchor, n_legend_columns)
    return figure


def _legend_rows(height: float, n_legends: int) -> int:
    """Return how many entries one column of a legend holds, if all legends stand on top of each other."""
    return max(int((height - 2 * MARGIN) / n_legends / LEGEND_ROW) - 3, 1)


def _layout(n_methods: int, n_panels: int, width: float) -> tuple[int, float]:
    """Return the number of methods per row and the size of a panel that use the page best."""
    best = (1, 0.0)
    for columns in range(1, n_methods + 1):
        rows = math.ceil(n_methods / columns)
        wide = ((width - 2 * MARGIN) / columns - 2 * GAP) / n_panels
        panel = min(wide, (PAGE[1] - 2 * MARGIN) / rows - HEAD, LARGEST_PANEL)
        best = max(best, (columns, panel), key=lambda one: one[1])
    return best


def _draw_cells(axes, one: pd.DataFrame, colours: pd.Series) -> None:
    size = float(np.clip(4000 / len(one), 0.3, 10))
    axes.scatter(one["x"], one["y"], s=size, c=list(colours), linewidths=0, rasterized=True)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, linewidth=0.6, color="0.6")


def _short(name: str) -> str:
    return textwrap.shorten(name or "unknown", 28, placeholder="…")


def _draw_legend(figure: Figure, title: str, colours: Mapping[str, str], anchor: tuple, n_columns: int) -> None:
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=5, color=colour, label=legend_label(_short(name)))
        for name, colour in colours.items()
    ]
    figure.legend(
        handles=handles,
        title=title,
        loc="upper left",
        bbox_to_anchor=anchor,
        ncols=n_columns,
        fontsize=7.5,
        title_fontproperties={"size": 8.5, "weight": "bold"},
        alignment="left",
        borderaxespad=0,
        handletextpad=0.2,
        labelspacing=0.35,
        columnspacing=0.8,
    )
