"""Run time and memory against the number of cells: one line per method, one point per dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from scbench.report.bio_batch import method_styles
from scbench.report.runtime import PANELS


def draw(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Draw the median over seeds of wall time and peak memory of every method on every dataset, on log scales.

    Parameters
    ----------
    tables
        resources, datasets and overall, see docs/reference/files.md.
    labels
        {method: display name} of the methods to show.

    Returns
    -------
    The figure and the drawn values, without controls: method, label, dataset, cells, seconds, max_rss_mb; slowest
    method first. A run without a memory measurement has no point in that panel.
    """
    styles = method_styles(tables["overall"], labels)
    compared = {method: name for method, name in labels.items() if name in styles and styles[name][2]}
    drawn = _medians(tables["resources"], tables["datasets"], compared)
    methods = list(drawn.groupby("label", sort=False))
    legend_columns = 1 + (len(methods) - 1) // 16
    figure = Figure(figsize=(6.4 + 1.9 * legend_columns, 3.6), layout=ConstrainedLayoutEngine(wspace=0.08))
    for axes, (column, title) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
        for name, points in methods:
            measured = points[points[column] > 0].sort_values("cells")
            colour, marker, _ = styles[name]
            style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1, "alpha": 0.9}
            axes.plot(measured["cells"], measured[column], label=name, **style)
        axes.set(xscale="log", yscale="log", xlabel="Cells", ylabel=title)
        _thin(axes.xaxis, drawn["cells"])
        _thin(axes.yaxis, drawn.loc[drawn[column] > 0, column])
        axes.grid()
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", ncols=legend_columns)
    return figure, drawn


def _medians(resources: pd.DataFrame, datasets: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    resources = resources[resources["method"].isin(labels)]
    medians = resources.groupby(["method", "dataset"], as_index=False)[list(PANELS)].median()
    medians["label"] = medians["method"].map(labels)
    medians["cells"] = medians["dataset"].map(datasets.set_index("dataset")["cells"])
    slowest = medians.groupby("method")["seconds"].max()
    medians["slowest"] = medians["method"].map(slowest)
    medians = medians.sort_values(["slowest", "method", "cells"], ascending=[False, True, True], ignore_index=True)
    return medians[["method", "label", "dataset", "cells", *PANELS]]


def _thin(axis, values: pd.Series) -> None:
    """Label a log axis with plain numbers at 1, 2 and 5, or at powers of ten over a wide range."""
    wide = len(values) > 0 and values.max() / values.min() > 300
    axis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
