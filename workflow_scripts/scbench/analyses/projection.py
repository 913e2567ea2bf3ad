"""Projections of embeddings to two dimensions, for pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.graphs.paths import nearest_along_edges
from scbench.seeding import generator

if TYPE_CHECKING:
    from scbench.types import Graph

MAX_CELLS = 20_000
NEIGHBOURS = 15
PERPLEXITY = 30


def projection_table(
    X: np.ndarray, cell_ids: pd.Index, *, how: str, dataset: str, graph: Graph | None = None
) -> pd.DataFrame:
    """Project an embedding, or a sample of its cells if there are more than 20,000.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    cell_ids
        (n_cells,) names of the rows.
    how, graph
        umap | tsne, see `project`.
    dataset
        Name of the dataset; the sample depends on it only, so all runs on a dataset show the same cells.

    Returns
    -------
    Table with the columns cell_id, x, y.
    """
    shown = np.arange(len(X))
    if len(X) > MAX_CELLS:
        shown = np.sort(generator(0, "projection", dataset).choice(len(X), MAX_CELLS, replace=False))
    xy = project(X[shown], how, None if graph is None else graph.ordered(shown)).round(4)
    return pd.DataFrame({"cell_id": np.asarray(cell_ids)[shown], "x": xy[:, 0], "y": xy[:, 1]})


def project(X: np.ndarray, how: str = "umap", graph: Graph | None = None) -> np.ndarray:
    """Return positions in two dimensions, (n_cells, 2), the same in every call; `how` is umap | tsne.

    The result of a method that makes a graph is always drawn as a UMAP, of the nearest cells along its edges. Sources:
    McInnes et al. 2018 (umap-learn with 15 neighbours, min_dist 0.3, 200 epochs); van der Maaten and Hinton 2008
    (scikit-learn with perplexity 30, started from the principal components).
    """
    methods: dict[str, Callable[[np.ndarray], np.ndarray]] = {"umap": _umap, "tsne": _tsne}
    largest = np.abs(X).max() or 1.0
    k = min(NEIGHBOURS, len(X) - 1)
    known = None if graph is None else nearest_along_edges(graph.connectivities, graph.distances, k)
    with warnings.catch_warnings():  # about graphs with several components, which good embeddings have
        warnings.simplefilter("ignore")
        points = (X / largest).astype(np.float32)
        return methods[how](points) if known is None else _umap(points, known)


def _umap(X: np.ndarray, known: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    import umap

    k = min(NEIGHBOURS, len(X) - 1)
    known = known or nearest_of_each_cell(X, k)  # umap-learn's own search takes 10 s to compile in every job
    mapper = umap.UMAP(
        n_neighbors=k, min_dist=0.3, n_epochs=200, random_state=0, n_jobs=1, precomputed_knn=known, init="spectral"
    )
    return mapper.fit_transform(X)


def _tsne(X: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE

    return TSNE(perplexity=min(PERPLEXITY, (len(X) - 1) / 3), random_state=0, n_jobs=1).fit_transform(X)
