"""Bio conservation against batch correction: one point per method, with its spread over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scbench.report.figures import category_colours

MARKERS = "osD^vP*X"
COLUMNS = 3
OVERALL = "Mean over datasets"


def draw(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Draw a panel per dataset and, with several datasets, one for the means over datasets.

    Parameters
    ----------
    tables
        summary and overall, see docs/reference/files.md.
    labels
        {method: display name} of the methods to show.

    Returns
    -------
    The figure and the drawn values: dataset, method, label, kind, batch, batch_sd, bio, bio_sd. Methods without one of
    the two parts have no point, and datasets without any point have no panel.
    """
    drawn = _points(tables["summary"], tables["overall"], labels)
    panels = list(drawn.groupby("dataset", sort=False))
    columns = min(max(len(panels), 1), COLUMNS)
    rows = max(math.ceil(len(panels) / columns), 1)
    styles = method_styles(tables["overall"], labels)
    legend_columns = 1 + (len(styles) - 1) // (14 * rows)
    figure = Figure(figsize=(2.9 * columns + 2.1 * legend_columns, 2.7 * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    if not panels:
        grid[0].text(0.5, 0.5, "No method has both parts of the total", ha="center", va="center")
        return figure, drawn
    for axes, (dataset, points) in zip(grid, panels, strict=False):
        _draw_panel(axes, points, styles)
        axes.set_title(dataset, fontweight="bold" if dataset == OVERALL else "normal")
    figure.supxlabel("Batch correction", fontsize=9)
    figure.supylabel("Bio conservation", fontsize=9)
    handles, names = _legend(grid[0], styles)
    figure.legend(handles, names, loc="outside right upper", ncols=legend_columns)
    return figure, drawn


def _points(summary: pd.DataFrame, overall: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return the points of all panels, in the order of the ranking."""
    overall, summary = (table[table["method"].isin(labels)] for table in (overall, summary))
    parts = summary[(summary["group"] == "total") & summary["metric"].isin(["bio", "batch"])]
    wide = parts.pivot(index=["dataset", "method"], columns="metric", values=["mean", "sd"])
    wide.columns = [part if value == "mean" else f"{part}_sd" for value, part in wide.columns]
    wide = wide.reset_index()
    if wide["dataset"].nunique() > 1:
        wide = pd.concat([overall[["method", "bio", "batch"]].assign(dataset=OVERALL), wide], ignore_index=True)
    place = {method: place for place, method in enumerate(overall["method"])}
    wide = wide.assign(
        label=wide["method"].map(labels),
        kind=wide["method"].map(overall.set_index("method")["kind"]),
        place=wide["method"].map(place),
        apart=wide["dataset"] != OVERALL,
    )
    wide = wide.dropna(subset=["bio", "batch"]).sort_values(["apart", "dataset", "place"], ignore_index=True)
    return wide.reindex(columns=["dataset", "method", "label", "kind", "batch", "batch_sd", "bio", "bio_sd"])


def method_styles(overall: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, tuple[str, str, bool]]:
    """Return {label: (colour, marker, filled)} in the order of the ranking; controls are grey and open.

    Parameters
    ----------
    overall
        tables/overall.tsv.
    labels
        {method: display name} of the methods to show.
    """
    methods = overall[overall["method"].isin(labels)].assign(label=lambda table: table["method"].map(labels))
    compared, controls = (methods.loc[(methods["kind"] == "control") == is_control, "label"] for is_control in (0, 1))
    colours = category_colours(list(compared))
    styles = {name: (colours[name], MARKERS[i % len(MARKERS)], True) for i, name in enumerate(compared)}
    return styles | {name: ("0.45", MARKERS[i % len(MARKERS)], False) for i, name in enumerate(controls)}


def _draw_panel(axes: Axes, points: pd.DataFrame, styles: Mapping[str, tuple[str, str, bool]]) -> None:
    for point in points.itertuples():
        colour, marker, filled = styles[point.label]
        axes.errorbar(
            point.batch,
            point.bio,
            xerr=None if pd.isna(point.batch_sd) else point.batch_sd,
            yerr=None if pd.isna(point.bio_sd) else point.bio_sd,
            marker=marker,
            markersize=6,
            color=colour,
            markerfacecolor=colour if filled else "white",
            markeredgecolor=colour,
            markeredgewidth=0 if filled else 1,
            elinewidth=1,
            linestyle="",
            label=point.label,
        )
    axes.margins(0.09)
    axes.grid()


def _legend(axes: Axes, styles: Mapping[str, tuple[str, str, bool]]) -> tuple[list, list[str]]:
    """Return a handle for every method, also for one that is missing from the first panel."""
    handles = []
    for colour, marker, filled in styles.values():
        edge: dict[str, Any] = {"markeredgewidth": 0 if filled else 1, "markerfacecolor": colour if filled else "white"}
        handles += axes.plot([], [], linestyle="", marker=marker, markersize=6, color=colour, **edge)
    return handles, list(styles)
