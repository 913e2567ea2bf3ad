"""Exports of a run for use outside the workflow: arrays, UMAPs, training curves, silhouette."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scbench.analyses.exports import clusterings, silhouette_text, silhouettes, standardised
from scbench.analyses.projection import project
from scbench.files import atomic, write_table, write_text
from scbench.report.figures import category_colours, legend_label, save
from scbench.seeding import generator

if TYPE_CHECKING:
    from scbench.types import Graph

TITLES = {"celltype": "Cell type", "batch": "Batch", "cluster": "Cluster"}


def export_run(
    files: Mapping[str, str | Path],
    X: np.ndarray,
    truth: pd.DataFrame,
    *,
    title: str,
    clusters: np.ndarray | None = None,
    history: pd.DataFrame | None = None,
    graph: Graph | None = None,
) -> None:
    """Write the exports of a run.

    Parameters
    ----------
    files
        {name of `scbench.analyses.exports.EXPORTS`: file}.
    X
        (n_cells, n_dims) embedding; latents_z.npy is the same with mean 0 and standard deviation 1 per dimension
        (constant dimensions are 0).
    truth
        Table with the columns cell_id, batch, cell_type, rows as in `X`; without cell types, the files that need them
        say so.
    clusters
        (n_cells,) clusters found by the method; None: Leiden clusters at resolution 1 with 15 neighbours.
    history
        Table with the columns epoch, term, value; None: the method was not trained, and the figure says so.
    graph
        The result of a method that makes a graph: UMAP and clusters are then those of the graph, and `X` is the space
        in which it searched the neighbours.
    """
    for name, array in {"latents.npy": X, "latents_z.npy": standardised(X)}.items():
        with atomic(files[name], with_digest=False) as partial, open(partial, "wb") as file:
            np.save(file, array)
    xy = project(X, graph=graph)
    found = clusterings(X, clusters, None if graph is None else graph.connectivities)
    columns = {
        "celltype": truth["cell_type"],
        "batch": truth["batch"],
        "cluster": found.iloc[:, 0],
    }
    for name, values in columns.items():
        save(_umap(xy, values, f"{title}: {TITLES[name].lower()}"), {"svg": files[f"umap_{name}.svg"]})
    save(_losses(history, title), {"svg": files["training_losses.svg"]})
    write_table(files["clusters.tsv"], pd.concat([truth["cell_id"], found], axis=1))
    write_table(files["silhouette_clusters.tsv"], silhouettes(X if graph is None else None, found))
    text = silhouette_text(X, truth["cell_type"].to_numpy())
    if graph is not None:
        text = "not applicable: the method makes a graph, without coordinates"
    write_text(files["silhouette_celltype.txt"], text + "\n")


def _umap(xy: np.ndarray, values: pd.Series, title: str) -> Figure:
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    names = sorted(values.unique(), key=lambda name: (len(name), name))
    colours = category_colours(names)
    order = generator(0, "umap_figure").permutation(len(xy))
    size = float(np.clip(12_000 / len(xy), 0.5, 20))
    axes.scatter(
        xy[order, 0],
        xy[order, 1],
        c=values.map(colours).to_numpy()[order],
        s=size,
        linewidths=0,
        rasterized=True,
    )
    axes.set(xticks=[], yticks=[], title=title, xlabel="UMAP 1", ylabel="UMAP 2")
    for name in names:
        axes.scatter([], [], color=colours[name], s=20, label=legend_label(name) or "unknown")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8, ncols=1 + (len(names) - 1) // 20)
    return figure


def _losses(history: pd.DataFrame | None, title: str) -> Figure:
    terms = [] if history is None else list(dict.fromkeys(history["term"]))
    figure = Figure(figsize=(6.4, 2.2 * max(1, len(terms))), layout="constrained")
    if history is None or not terms:
        figure.text(0.5, 0.5, f"{title} is not trained: there are no losses", ha="center")
        return figure
    for axes, term in zip(figure.subplots(len(terms), 1, sharex=True, squeeze=False)[:, 0], terms, strict=True):
        one = history[history["term"] == term]
        axes.plot(one["epoch"], one["value"], color="#0072B2", linewidth=1.2)
        axes.set_ylabel(term.replace("_", " "))
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("epoch")
    figure.suptitle(title, fontsize=10)
    return figure
