"""Projections of embeddings to two dimensions, for pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.seeding import generator

MAX_CELLS = 20_000
NEIGHBOURS = 15
PERPLEXITY = 30


def projection_table(X: np.ndarray, cell_ids: pd.Index, *, how: str, dataset: str) -> pd.DataFrame:
    """Project an embedding, or a sample of its cells if there are more than 20,000.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    cell_ids
        (n_cells,) names of the rows.
    how
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
    xy = project(X[shown], how).round(4)
    return pd.DataFrame({"cell_id": np.asarray(cell_ids)[shown], "x": xy[:, 0], "y": xy[:, 1]})


def project(X: np.ndarray, how: str = "umap") -> np.ndarray:
    """Return positions in two dimensions, (n_cells, 2), the same in every call; `how` is umap | tsne.

    Sources: McInnes et al. 2018 (umap-learn with 15 neighbours, min_dist 0.3, 200 epochs); van der Maaten and Hinton
    2008 (scikit-learn with perplexity 30, started from the principal components).
    """
    methods: dict[str, Callable[[np.ndarray], np.ndarray]] = {"umap": _umap, "tsne": _tsne}
    largest = np.abs(X).max() or 1.0
    with warnings.catch_warnings():  # about graphs with several components, which good embeddings have
        warnings.simplefilter("ignore")
        return methods[how]((X / largest).astype(np.float32))


def _umap(X: np.ndarray) -> np.ndarray:
    import umap

    k = min(NEIGHBOURS, len(X) - 1)
    known = nearest_of_each_cell(X, k)  # umap-learn's own search takes 10 s to compile in every job
    mapper = umap.UMAP(
        n_neighbors=k, min_dist=0.3, n_epochs=200, random_state=0, n_jobs=1, precomputed_knn=known, init="spectral"
    )
    return mapper.fit_transform(X)


def _tsne(X: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE

    return TSNE(perplexity=min(PERPLEXITY, (len(X) - 1) / 3), random_state=0, n_jobs=1).fit_transform(X)
