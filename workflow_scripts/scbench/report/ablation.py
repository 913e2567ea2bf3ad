"""Ablation of one method: one row per variant, one panel per measure, one colour per dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scbench.report.figures import category_colours
from scbench.report.runtime import GRID, MARKERS

SCORES = {"total": "Total", "bio": "Bio conservation", "batch": "Batch correction"}
PROBES = {
    "batch_from_z_bio": "Batch from z_bio",
    "batch_from_z_batch": "Batch from z_batch",
    "cell_type_from_z_bio": "Cell type from z_bio",
}
SPREAD = 0.5


def draw(
    tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str], methods: Sequence[str]
) -> tuple[Figure, pd.DataFrame]:
    """Draw scores, and the probes of disentanglement if there are any.

    Parameters
    ----------
    tables
        summary and, if the variants have that analysis, disentanglement; see docs/reference/files.md.
    labels
        {method: display name}.
    methods
        The variants in the order of the rows, from top to bottom.

    Returns
    -------
    The figure and the drawn values: measure, dataset, method, label, mean, sd (over seeds).
    """
    drawn = _scores(tables["summary"])
    if "disentanglement" in tables:
        drawn = pd.concat([drawn, _probes(tables["disentanglement"])], ignore_index=True)
    drawn = drawn[drawn["method"].isin(methods)].dropna(subset="mean")
    drawn.insert(3, "label", [labels.get(method, method) for method in drawn["method"]])
    shown = {name: title for name, title in (SCORES | PROBES).items() if (drawn["measure"] == name).any()}
    datasets = list(dict.fromkeys(drawn["dataset"]))
    colours = category_colours(datasets)
    offsets = np.linspace(-SPREAD / 2, SPREAD / 2, len(datasets)) if len(datasets) > 1 else np.zeros(len(datasets))
    rows = {method: place for place, method in enumerate(methods)}
    figure = Figure(figsize=(2.4 + 1.6 * max(len(shown), 1), 0.36 * len(rows) + 1.2), layout="constrained")
    panels = figure.subplots(1, max(len(shown), 1), sharey=True, squeeze=False)[0]
    for axes, (name, title) in zip(panels, shown.items(), strict=False):
        for place, dataset in enumerate(datasets):
            one = drawn[(drawn["measure"] == name) & (drawn["dataset"] == dataset)]
            y = one["method"].map(rows) + offsets[place]
            style = {"marker": MARKERS[place % len(MARKERS)], "color": colours[dataset], "markersize": 4}
            axes.errorbar(one["mean"], y, xerr=one["sd"].fillna(0), linestyle="", elinewidth=1, label=dataset, **style)
        axes.set_title(title)
        axes.grid(axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(4, prune="lower"))
        if name in PROBES:
            axes.set(xlim=(0, 1.05), xticks=[0, 0.5, 1])
        axes.tick_params(axis="y", length=0)
        axes.hlines(np.arange(len(rows) - 1) + 0.5, 0, 1, transform=axes.get_yaxis_transform(), **GRID)
    panels[0].set_yticks(range(len(rows)), [labels.get(method, method) for method in rows], fontsize=8.5)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    return figure, drawn


def _scores(summary: pd.DataFrame) -> pd.DataFrame:
    scores = summary[(summary["group"] == "total") & summary["metric"].isin(SCORES)]
    return scores.rename(columns={"metric": "measure"})[["measure", "dataset", "method", "mean", "sd"]]


def _probes(disentanglement: pd.DataFrame) -> pd.DataFrame:
    long = disentanglement.reindex(columns=["dataset", "method", "seed", *PROBES]).melt(
        ["dataset", "method", "seed"], list(PROBES), var_name="measure"
    )
    return long.groupby(["measure", "dataset", "method"])["value"].agg(mean="mean", sd="std").reset_index()
