"""The neighbour search that all graph-based metrics of one run share."""

import numpy as np
from sklearn.neighbors import NearestNeighbors


def nearest_neighbours(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the exact Euclidean `k` nearest neighbours of every cell, the cell itself first.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    k
        Neighbours per cell, itself included; at most n_cells.

    Returns
    -------
    indices and distances, both (n_cells, k). Cells at distance 0 of each other are common in degenerate embeddings, so
    the cell itself is put first explicitly.
    """
    X = np.asarray(X, dtype=np.float64)
    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(X).kneighbors(X)
    itself = indices == np.arange(len(X))[:, None]
    absent = ~itself.any(axis=1)
    itself[absent, -1] = True
    order = np.argsort(~itself, axis=1, kind="stable")
    indices = np.take_along_axis(indices, order, axis=1)
    distances = np.take_along_axis(distances, order, axis=1)
    indices[:, 0], distances[:, 0] = np.arange(len(X)), 0.0
    return indices, distances
