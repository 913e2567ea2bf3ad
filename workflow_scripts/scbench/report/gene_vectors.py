"""Error at hidden genes for different gene vectors: one panel per dataset, lines join the runs of a seed."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scbench.report.figures import category_colours


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Draw the errors of all runs; lines join the runs of one seed, which share their held-out cells.

    Parameters
    ----------
    table
        Table of `scbench.analyses.gene_vectors` with additional leading columns dataset, method and seed.
    labels
        {method: display name}.
    """
    methods = list(dict.fromkeys(table["method"]))
    datasets = list(table.groupby("dataset", sort=False))
    colours = category_colours(sorted(table["seed"].astype(str).unique(), key=int))
    figure = Figure(figsize=(max(2.2 + 2.5 * len(datasets), 5.5), 0.34 * len(methods) + 1.3), layout="constrained")
    panels = figure.subplots(1, max(len(datasets), 1), sharey=True, squeeze=False)[0]
    for axes, (dataset, one) in zip(panels, datasets, strict=False):
        for seed, run in one.groupby("seed"):
            places = run["method"].map(methods.index)
            style = {"marker": "o", "markersize": 4, "linewidth": 0.7, "color": colours[str(seed)], "alpha": 0.8}
            axes.plot(run["error"], places, label=str(seed), **style)
        axes.set_title(dataset)
        axes.grid(axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(4))
    panels[0].set_yticks(range(len(methods)), [textwrap.fill(labels.get(name, name), 34) for name in methods])
    panels[0].set_ylim(max(len(methods), 1) - 0.5, -0.5)
    figure.supxlabel("Error at hidden genes of held-out cells, in units of the variance of the gene", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, title="Seed", loc="outside right upper")
    return figure
