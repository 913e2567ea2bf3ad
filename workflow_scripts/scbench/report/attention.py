"""Figure of gene-gene attention: one panel per cell type."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from scbench.report.figures import OKABE_ITO

PAIRS = 10
COLUMNS = 3


def draw_run(tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw the excess over the mean for the first 10 pairs of each cell type of `scbench.analyses.attention`."""
    types = list(tables["attention"].groupby("cell_type", sort=False))
    rows = math.ceil(len(types) / COLUMNS)
    figure = Figure(figsize=(10, 2.6 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, (name, pairs) in zip(panels, types, strict=False):
        shown = pairs.head(PAIRS)
        pair = shown["gene"] + " → " + shown["attends_to"]
        sns.barplot(x=shown["excess"], y=pair, color=OKABE_ITO[0], saturation=1, ax=axes)
        axes.set(xlabel="", ylabel="")
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
        sns.despine(ax=axes)
    for axes in panels[len(types) :]:
        axes.set_axis_off()
    figure.suptitle(title, fontsize=10)
    figure.supxlabel("Attention above the mean over cell types", fontsize=8)
    return figure
