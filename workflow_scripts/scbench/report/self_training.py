"""Figure of the rounds of self-training: one row per dataset and method, one colour per seed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from scbench.metric_learning.self_training import STABLE, UNLIKE
from scbench.report.figures import category_colours

PANELS = {
    "clusters": "Clusters",
    "ari_to_last_round": "ARI to the last round",
    "triplets": "Mined triplets per cell",
}


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Draw the rounds of all runs; rejected rounds are open points.

    Parameters
    ----------
    table
        Table of `scbench.analyses.self_training` with additional leading columns dataset, method and seed.
    labels
        {method: display name}.
    """
    groups = list(table.groupby(["dataset", "method"], sort=False))
    colours = category_colours(sorted(table["seed"].astype(str).unique(), key=int))
    figure = Figure(figsize=(9, 2.1 * len(groups) + 0.5), layout="constrained")
    panels = figure.subplots(len(groups), len(PANELS), squeeze=False, sharex="row")
    for row, ((dataset, method), one) in zip(panels, groups, strict=True):
        for axes, (term, title) in zip(row, PANELS.items(), strict=True):
            for seed, run in one.groupby("seed"):
                _draw_run(axes, run.pivot(index="epoch", columns="term", values="value"), term, colours[str(seed)])
            axes.set_title(title, fontsize=9)
            axes.set_xlabel("Epoch", fontsize=8)
            axes.tick_params(labelsize=8)
            axes.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel(f"{dataset}\n{labels.get(method, method)}", fontsize=8.5)
        row[0].yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for bound in (UNLIKE, STABLE):  # below UNLIKE a round is rejected; from STABLE on, self-training ends
            row[1].axhline(bound, color="0.6", linewidth=0.8, linestyle="--")
        row[1].set_ylim(-0.05, 1.05)
        row[2].set_yscale("symlog", linthresh=0.01)
        row[2].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        row[2].set_ylim(bottom=-0.002)
    handles = [Line2D([], [], marker="o", markersize=4, color=colour, label=seed) for seed, colour in colours.items()]
    figure.legend(handles=handles[:-1], title="Seed", loc="outside right upper", fontsize=8, frameon=False)
    return figure


def _draw_run(axes, terms: pd.DataFrame, term: str, colour: str) -> None:
    """Draw one term of one run, indexed by epoch: a line over epochs, or steps with a point at the start of a round."""
    if term not in terms:
        return
    values = terms[term].dropna()
    if term == "triplets":
        axes.plot(values.index, values, color=colour, linewidth=1)
        return
    axes.plot(values.index, values, color=colour, linewidth=1, drawstyle="steps-post")
    face = [colour if accepted else "white" for accepted in terms.loc[values.index, "accepted"]]
    axes.scatter(values.index, values, s=18, c=face, edgecolors=colour, zorder=2)
