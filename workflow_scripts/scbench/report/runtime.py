"""Figure of the cost of the runs: wall time and peak memory per method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from scbench.report.figures import category_colours

MARKERS = "osD^vP*X"
PANELS = {"seconds": "Wall time (s)", "max_rss_mb": "Peak memory (MB)"}
SPREAD = 0.5
GRID: dict[str, Any] = {"color": "0.9", "linewidth": 0.6}


def runtime_table(resources: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return the table to draw: columns method, label, dataset, seed, seconds, max_rss_mb; fastest method first."""
    median = resources["method"].map(resources.groupby("method")["seconds"].median())
    table = resources.assign(label=[labels.get(method, method) for method in resources["method"]], median=median)
    table = table.sort_values(["median", "method", "dataset", "seed"], ignore_index=True)
    return table[["method", "label", "dataset", "seed", *PANELS]]


def runtime_figure(table: pd.DataFrame) -> Figure:
    """Draw the table of `runtime_table`: one point per run, a colour and a marker per dataset, log scales.

    A run without a memory measurement has no point in that panel.
    """
    labels = dict(zip(table["method"], table["label"], strict=True))
    datasets = sorted(table["dataset"].unique())
    offsets = np.linspace(-SPREAD / 2, SPREAD / 2, len(datasets)) if len(datasets) > 1 else np.zeros(len(datasets))
    row = table["method"].map({method: place for place, method in enumerate(labels)})
    placed = table.assign(row=row + table["dataset"].map(dict(zip(datasets, offsets, strict=True))))
    figure = Figure(figsize=(8, 0.34 * len(labels) + 1.4 + 0.2 * (len(datasets) // 4)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (column, title) in zip(panels, PANELS.items(), strict=True):
        _draw_panel(axes, placed[placed[column] > 0], column, datasets)
        axes.set(xlabel=title, ylabel="")
        axes.hlines(np.arange(len(labels) - 1) + 0.5, 0, 1, transform=axes.get_yaxis_transform(), **GRID)
    panels[0].set_yticks(range(len(labels)), list(labels.values()), fontsize=8.5)
    panels[0].set_ylim(max(len(labels), 1) - 0.5, -0.5)
    handles, names = panels[0].get_legend_handles_labels()
    for axes in panels:
        if axes.get_legend() is not None:
            axes.get_legend().remove()
    figure.legend(handles, names, loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    return figure


def _draw_panel(axes: Axes, measured: pd.DataFrame, column: str, datasets: list[str]) -> None:
    if len(measured):
        styles = {name: MARKERS[place % len(MARKERS)] for place, name in enumerate(datasets)}
        coloured = {"hue": "dataset", "hue_order": datasets, "palette": category_colours(datasets)}
        marked = {"style": "dataset", "style_order": datasets, "markers": styles}
        points = {"s": 24, "alpha": 0.8, "linewidth": 0, "zorder": 2}
        sns.scatterplot(measured, x=column, y="row", ax=axes, **coloured, **marked, **points)
    axes.set_xscale("log")
    if len(measured):
        low, high = measured[column].min() / 1.6, measured[column].max() * 1.6
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 1000 else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.grid(axis="x", **GRID)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="y", length=0)
    sns.despine(ax=axes)
