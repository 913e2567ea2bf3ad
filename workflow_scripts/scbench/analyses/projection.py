"""Projections of embeddings to two dimensions, for pictures."""

from __future__ import annotations

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

    The result of a method that makes a graph is always drawn as a UMAP, of the nearest cells along its edges. Both
    kinds start from the principal components, see Kobak and Linderman 2021. Sources: McInnes et al. 2018 (scranpy
    with 15 neighbours, min_dist 0.3, 200 epochs); van der Maaten and Hinton 2008 (scikit-learn with perplexity 30).
    """
    methods: dict[str, Callable[[np.ndarray], np.ndarray]] = {"umap": _umap, "tsne": _tsne}
    points = (X / (np.abs(X).max() or 1.0)).astype(np.float32)
    if how == "tsne" and graph is None and not np.ptp(points, axis=0).any():
        return np.zeros((len(X), 2))  # of cells at one point, which crash scikit-learn
    if graph is None:
        return methods[how](points)
    return _umap(points, nearest_along_edges(graph.connectivities, graph.distances, _neighbours(X)))


def _umap(X: np.ndarray, known: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    import scranpy  # in C++; umap-learn compiles for 8 s in every job
    from knncolle import FindKnnResults

    indices, distances = known or nearest_of_each_cell(X, _neighbours(X))
    found = FindKnnResults(indices[:, 1:].astype(np.uint32), distances[:, 1:])  # without the cells themselves
    return scranpy.run_umap(
        found, min_dist=0.3, num_epochs=200, initialize_method="none", initial_coordinates=_components(X)
    )


def _neighbours(X: np.ndarray) -> int:
    return min(NEIGHBOURS, len(X) - 1)


def _components(X: np.ndarray) -> np.ndarray:
    """Return the first two principal components, (n_cells, 2), up to 10, with a little noise for equal cells."""
    centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    xy = generator(0, "projection").normal(scale=1e-3, size=(len(X), 2))
    xy[:, : min(2, len(s))] += u[:, :2] * s[:2] * (10 / (s[0] * np.abs(u[:, 0]).max() or 1.0))
    return xy


def _tsne(X: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE

    return TSNE(perplexity=min(PERPLEXITY, (len(X) - 1) / 3), random_state=0, n_jobs=1).fit_transform(X)
