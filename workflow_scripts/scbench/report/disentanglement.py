"""Figure of how well a disentangled autoencoder has separated biology and batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from scbench.report.figures import OKABE_ITO


def draw_run(tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw the tables of `scbench.analyses.disentanglement`: probes, correlations, changes for one pair of batches."""
    table, shifts = tables["disentanglement"], tables["counterfactuals"]
    correlation = tables["correlations"].pivot(index="z_batch", columns="z_bio", values="correlation")
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    probes, heatmap, genes = figure.subplots(1, 3, width_ratios=[1.1, 1, 1])
    _draw_probes(probes, table)
    image = heatmap.imshow(
        correlation.to_numpy(float), vmin=0, vmax=1, cmap="Greys", aspect="auto", interpolation="nearest"
    )
    heatmap.set(title="Absolute correlation", xlabel="Dimension of z_bio", ylabel="Dimension of z_batch")
    heatmap.yaxis.get_major_locator().set_params(integer=True)
    figure.colorbar(image, ax=heatmap, shrink=0.8)
    genes.set(
        title="Counterfactual: change per gene", xlabel="Observed between batches", ylabel="Decoded, code swapped"
    )
    if len(shifts):
        first = shifts[(shifts["start"] == shifts["start"].iloc[0])]
        genes.axline((0, 0), slope=1, color="0.7", linewidth=0.8)
        observed, predicted = first["observed"].astype(float), first["predicted"].astype(float)
        genes.scatter(observed, predicted, s=4, color=OKABE_ITO[0], linewidths=0, rasterized=True)
        genes.text(0.03, 0.95, f"r = {np.corrcoef(observed, predicted)[0, 1]:.2f}", transform=genes.transAxes, va="top")
    for axes in (probes, genes):
        sns.despine(ax=axes)
    figure.suptitle(title, fontsize=10)
    return figure


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Put the measures of each run into one row.

    Parameters
    ----------
    table
        Table of `scbench.analyses.disentanglement` with additional leading columns dataset, method and seed.

    Returns
    -------
    Table with the columns dataset, method, seed, {batch, cell_type}_from_{pca, z_bio, z_batch}, batch_from_cell_type,
    batch_chance, cell_type_chance, cross_correlation, counterfactual (mean over pairs of batches).
    """
    probes = table[table["measure"].isin(["batch", "cell_type"])]
    runs = ["dataset", "method", "seed"]
    wide = probes.assign(name=probes["measure"] + "_from_" + probes["of"]).pivot(
        index=runs, columns="name", values="value"
    )
    by_run = table.groupby([*runs, "measure"])
    for measure in ("batch", "cell_type"):
        wide[f"{measure}_chance"] = by_run["chance"].first().unstack("measure").get(measure)
    for measure in ("cross_correlation", "counterfactual"):
        wide[measure] = by_run["value"].mean().unstack("measure").get(measure)
    order = table[runs].drop_duplicates()
    return order.merge(wide.reset_index(), on=runs).rename_axis(columns=None)


def _draw_probes(axes, table: pd.DataFrame) -> None:
    of_types = table["of"] == "cell_type"
    probes = table[table["measure"].isin(["batch", "cell_type"]) & ~of_types]
    names, measures = list(dict.fromkeys(probes["of"])), list(dict.fromkeys(probes["measure"]))
    sns.barplot(probes, x="measure", y="value", hue="of", palette=OKABE_ITO[: len(names)], saturation=1, ax=axes)
    for place, measure in enumerate(measures):
        chance = probes[probes["measure"] == measure]["chance"].iloc[0]
        axes.hlines(chance, place - 0.45, place + 0.45, color="black", linestyle="--", linewidth=1)
    axes.hlines(table.loc[of_types, "value"], -0.45, 0.45, color="black", linestyle=":", linewidth=1)
    axes.set_xticks(range(len(measures)), [measure.replace("_", " ").capitalize() for measure in measures])
    axes.set(ylim=(0, 1), xlabel="", ylabel="Balanced accuracy", title="Probes (dashed: chance; dotted: type)")
    axes.legend(title=None, frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.12), ncols=len(names))
