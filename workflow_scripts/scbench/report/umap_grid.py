"""UMAP of the embedding of every method on one dataset, coloured by cell type and by batch."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scbench.report.figures import category_colours
from scbench.seeding import generator

COLUMNS = {"cell_type": "Cell type", "batch": "Batch"}
# lengths in inches
PANEL, HEAD, SIDE, LEGEND_ROW, LEGEND_WIDTH = 1.7, 0.45, 0.55, 0.19, 0.55


def umap_figure(table: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Draw the table of `umap_table`: a row per method, and columns for cell type (if known) and batch."""
    methods = list(dict.fromkeys(table["method"]))
    shown = [column for column in COLUMNS if (table[column] != "").any()]
    colours = {column: category_colours(sorted(table[column].unique())) for column in shown}
    entries = {column: [c for c in colours[column] if (table[column] == c).any()] for column in shown}
    longest = max(len(name) for names in entries.values() for name in [*names, "unknown"])
    n_legend_rows = max(int((PANEL * len(methods) / len(shown) - 0.4) / LEGEND_ROW), 4)
    n_legend_columns = max(-(-len(names) // n_legend_rows) for names in entries.values())
    width = SIDE + PANEL * len(shown)
    total = width + 0.1 + n_legend_columns * (LEGEND_WIDTH + longest * 0.07)
    height = HEAD + PANEL * len(methods)
    figure = Figure(figsize=(total, height))
    for row, method in enumerate(methods):
        one = table[table["method"] == method]
        one = one.iloc[generator(0, "umap_figure").permutation(len(one))]
        for position, column in enumerate(shown):
            left, bottom = SIDE + position * PANEL, height - HEAD - (row + 1) * PANEL
            axes = figure.add_axes(
                ((left + 0.04) / total, (bottom + 0.04) / height, (PANEL - 0.08) / total, (PANEL - 0.08) / height)
            )
            _draw_cells(axes, one, one[column].map(colours[column]))
            if row == 0:
                axes.set_title(COLUMNS[column], fontsize=10, fontweight="bold", pad=8)
            if position == 0:
                axes.set_ylabel(textwrap.fill(labels.get(method, method), 22), fontsize=9, labelpad=8)
    for position, column in enumerate(shown):
        anchor = ((width + 0.1) / total, (height - HEAD - position * PANEL * len(methods) / len(shown)) / height)
        drawn = {name: colours[column][name] for name in entries[column]}
        _draw_legend(figure, COLUMNS[column], drawn, anchor, n_legend_rows)
    return figure


def _draw_cells(axes, one: pd.DataFrame, colours: pd.Series) -> None:
    size = float(np.clip(6000 / len(one), 0.3, 12))
    axes.scatter(one["umap_1"], one["umap_2"], s=size, c=list(colours), linewidths=0, rasterized=True)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(linewidth=0.6, color="0.6")


def _draw_legend(figure: Figure, title: str, colours: Mapping[str, str], anchor: tuple, n_rows: int) -> None:
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=5, color=colour, label=name or "unknown")
        for name, colour in colours.items()
    ]
    figure.legend(
        handles=handles,
        title=title,
        loc="upper left",
        bbox_to_anchor=anchor,
        ncols=-(-len(handles) // n_rows),
        fontsize=8,
        title_fontproperties={"size": 9, "weight": "bold"},
        frameon=False,
        alignment="left",
        borderaxespad=0,
        handletextpad=0.2,
        labelspacing=0.4,
        columnspacing=1,
    )
