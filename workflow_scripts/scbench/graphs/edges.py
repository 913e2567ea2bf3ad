"""Edges between cells: nearest neighbours within batches, mutual nearest neighbours between batches.

Source: Yu et al. 2023, doi 10.1038/s41467-023-36635-5; mutual nearest neighbours: Haghverdi et al. 2018, doi
10.1038/nbt.4091. All edges are symmetric (n_cells, n_cells) CSR matrices of ones, linear in the number of cells.
"""

from itertools import combinations

import numpy as np
from scipy import sparse

from scbench.graphs.neighbours import nearest, nearest_of_each_cell


def unit_rows(X: np.ndarray) -> np.ndarray:
    """Scale every row to length 1, so that Euclidean and cosine order agree; a row of zeros stays unchanged."""
    length = np.linalg.norm(X, axis=1, keepdims=True)
    return X / np.where(length > 0, length, 1)


def neighbours_within_batches(X: np.ndarray, batch: np.ndarray, k: int) -> sparse.csr_matrix:
    """Connect every cell with its `k` nearest cells of the same batch by cosine, including itself (k - 1 others)."""
    X, edges = unit_rows(X), []
    for code in np.unique(batch):
        cells = np.flatnonzero(batch == code)
        indices, _ = nearest_of_each_cell(X[cells], min(k, len(cells)))
        edges.append((np.repeat(cells, indices.shape[1] - 1), cells[indices[:, 1:].ravel()]))
    return _symmetric(edges, len(X))


def mutual_neighbours_between_batches(X: np.ndarray, batch: np.ndarray, k: int) -> sparse.csr_matrix:
    """Connect cells of different batches that are among each other's `k` nearest cells in those batches, by cosine.

    There are no edges if there is only one batch or if no two cells are mutual neighbours.
    """
    X, edges = unit_rows(X), []
    cells = [np.flatnonzero(batch == code) for code in np.unique(batch)]
    for one, other in combinations(cells, 2):
        there, back = _chosen(X[one], X[other], k), _chosen(X[other], X[one], k)
        mutual = there.multiply(back.T).tocoo()
        edges.append((one[mutual.row], other[mutual.col]))
    return _symmetric(edges, len(X))


def neighbour_graph(X: np.ndarray, k: int) -> sparse.csr_matrix:
    """Connect every cell with its `k` nearest cells, including itself, by Euclidean distance."""
    indices, _ = nearest_of_each_cell(X, min(k, len(X)))
    rows = np.repeat(np.arange(len(X)), indices.shape[1] - 1)
    return _symmetric([(rows, indices[:, 1:].ravel())], len(X))


def _chosen(query: np.ndarray, reference: np.ndarray, k: int) -> sparse.csr_matrix:
    k = min(k, len(reference))
    indices, _ = nearest(reference, query, k)
    starts = np.arange(0, len(query) * k + 1, k)
    return sparse.csr_matrix((np.ones(indices.size, np.int8), indices.ravel(), starts), (len(query), len(reference)))


def _symmetric(edges: list[tuple[np.ndarray, np.ndarray]], n_cells: int) -> sparse.csr_matrix:
    """Return a matrix of ones at (a, b) and (b, a) for every edge, even if an edge is listed repeatedly."""
    if not edges:
        return sparse.csr_matrix((n_cells, n_cells), dtype=np.int32)
    a, b = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    matrix = sparse.csr_matrix((np.ones(2 * len(a), np.int32), (np.r_[a, b], np.r_[b, a])), (n_cells, n_cells))
    matrix.data[:] = 1
    return matrix
