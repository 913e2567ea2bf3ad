"""Preservation of structure: connected cell types, neighbours within a batch."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.metrics.errors import NotApplicableError
from scbench.metrics.silhouette import sample

N_NEIGHBOURS = 15
MIN_CELLS = 3 * N_NEIGHBOURS
MAX_CELLS = 2_000
CHUNK = 256


def graph_connectivity(indices: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of the cells of a type that are in its largest connected component, mean over types.

    It uses the graph of 15 neighbours (including the cell itself), restricted to the cells of the type. Two cells are
    connected if either is a neighbour of the other.

    Range: above 0 to 1; 1: every type is connected.
    Weakness: a single connecting path is enough, so it is near 1 for most methods, and for noise with few types.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8.

    Parameters
    ----------
    indices
        (n_cells, 15) neighbours, the cell itself first.
    labels
        (n_cells,).
    """
    return _largest_component(indices, labels, "weak")


def graph_connectivity_directed(indices: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of the cells of a type in its largest strongly connected component, mean over types.

    As `graph_connectivity`, but two cells are connected only if there is a path of neighbours in both directions.

    Range: above 0 to 1; 1: every cell of a type is reached from every other.
    Weakness: cells that are nobody's neighbour are components of their own, and high dimensions make many of these: a
    Gaussian cloud of 1,000 cells scores 0.999 in 2 dimensions and 0.885 in 50.
    Source: scib-metrics, which computes this under the name graph connectivity.

    Parameters
    ----------
    indices, labels
        See `graph_connectivity`.
    """
    return _largest_component(indices, labels, "strong")


def _largest_component(indices: np.ndarray, labels: np.ndarray, connection: str) -> float:
    n_cells, k = indices.shape
    rows = np.arange(0, n_cells * k + 1, k)
    edges = sparse.csr_matrix((np.ones(indices.size), indices.ravel(), rows), shape=(n_cells, n_cells))
    edges.sum_duplicates()  # connected_components does not end with an edge that stands twice
    shares = []
    for label in np.unique(labels):
        cells = np.flatnonzero(labels == label)
        _, component = connected_components(edges[cells][:, cells], connection=connection)
        shares.append(np.bincount(component).max() / len(cells))
    return float(np.mean(shares))


def trustworthiness(pca: np.ndarray, X: np.ndarray, batch: np.ndarray, *, max_cells: int = MAX_CELLS) -> float:
    """Trustworthiness of the 15 nearest neighbours within batches, mean over cells.

    It measures whether neighbours in the embedding were neighbours before integration: 1 - 2 / (n k (2 n - 3 k - 1)) x
    the sum of (rank - k) over neighbours in the embedding whose rank by distance in the PCA before integration is above
    k. It is computed within each batch of at least 45 cells, because there is no batch effect to correct within a
    batch. For batches of more than 2,000 cells a seeded sample of 2,000 is used, because the ranks need all distances.

    Range: 0 to 1; 1: all neighbours were neighbours before; about 0.5 for noise.
    Weakness: the unintegrated PCA scores 1 by definition, and methods that remove noise within a batch are penalised.
    Source: Venna and Kaski 2001, doi 10.1007/3-540-44668-0_68.

    Parameters
    ----------
    pca, X
        (n_cells, n_pcs) before, (n_cells, n_dims) after integration.
    batch
        (n_cells,).
    """
    total, n_cells = 0.0, 0
    for name in np.unique(batch):
        cells = np.flatnonzero(batch == name)
        if len(cells) >= MIN_CELLS:
            chosen = cells[sample(np.zeros(len(cells)), max_cells)]
            total += len(cells) * _trustworthiness(pca[chosen], X[chosen], N_NEIGHBOURS)
            n_cells += len(cells)
    if not n_cells:
        raise NotApplicableError(f"no batch has at least {MIN_CELLS} cells")
    return total / n_cells


def _trustworthiness(before: np.ndarray, after: np.ndarray, k: int) -> float:
    n_cells = len(before)
    neighbours = nearest_of_each_cell(after, k + 1)[0][:, 1:]
    before = before.astype(np.float64) - before.mean(axis=0, dtype=np.float64)
    squares = np.square(before).sum(axis=1)
    beyond = 0.0
    for start in range(0, n_cells, CHUNK):
        rows = slice(start, start + CHUNK)
        distances = squares - 2 * before[rows] @ before.T
        distances[np.arange(len(distances)), np.arange(start, start + len(distances))] = np.inf
        for column in neighbours[rows].T:
            own = distances[np.arange(len(distances)), column]
            ranks = 1 + (distances < own[:, None]).sum(axis=1)
            beyond += np.maximum(ranks - k, 0).sum()
    return float(1 - 2 / (n_cells * k * (2 * n_cells - 3 * k - 1)) * beyond)
