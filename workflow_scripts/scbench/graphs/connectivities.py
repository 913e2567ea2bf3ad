"""Weighted neighbour graph of an embedding, as in umap-learn but without its just-in-time compilation."""

import numpy as np
from scipy import sparse

TOLERANCE = 1e-5
LEAST_SCALE = 1e-3
CHUNK = 4096


def connectivities(indices: np.ndarray, distances: np.ndarray) -> sparse.csr_matrix:
    """Return the symmetric fuzzy simplicial set (n_cells, n_cells) of a neighbour search, with weights in (0, 1].

    The weight of a neighbour decays exponentially with its distance beyond that of the nearest neighbour, at a rate for
    which the weights of all neighbours of a cell sum to log2(k). Two directed weights a, b become a + b - a b.
    Source: McInnes et al. 2018, arXiv 1802.03426, as computed by umap-learn 0.5 (in single precision).

    Parameters
    ----------
    indices, distances
        (n_cells, k), the cell itself first.
    """
    n_cells, k = indices.shape
    distances = np.asarray(distances, dtype=np.float32)
    weights = np.concatenate(
        [_strengths(distances[start : start + CHUNK], distances.mean()) for start in range(0, n_cells, CHUNK)]
    )
    weights[indices == np.arange(n_cells)[:, None]] = 0
    directed = sparse.csr_matrix((weights.ravel(), indices.ravel(), np.arange(0, n_cells * k + 1, k)), (n_cells,) * 2)
    directed.eliminate_zeros()
    transposed = directed.T.tocsr()
    return (directed + transposed - directed.multiply(transposed)).tocsr()


def _strengths(distances: np.ndarray, mean_of_all: np.float32) -> np.ndarray:
    """Return the directed weights of a chunk of rows; the first column is the cell itself."""
    positive = np.where(distances > 0, distances, np.inf).min(axis=1)
    nearest = np.where(np.isfinite(positive), positive, 0).astype(np.float32)
    beyond = np.maximum(distances - nearest[:, None], 0)
    scale = _scales(beyond[:, 1:], np.log2(distances.shape[1]))
    least = LEAST_SCALE * np.where(nearest > 0, distances.mean(axis=1), mean_of_all)
    scale = np.maximum(scale, least)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((beyond > 0) & (scale > 0), np.exp(-beyond / scale), 1).astype(np.float32)


def _scales(beyond: np.ndarray, target: float) -> np.ndarray:
    """Find, by bisection, the scale of each row at which the weights sum to `target`."""
    n_cells = len(beyond)
    low, high, scale = (np.full(n_cells, value, dtype=np.float32) for value in (0, np.inf, 1))
    active = np.arange(n_cells)
    for _ in range(64):
        total = np.exp(-beyond[active] / scale[active, None]).sum(axis=1, dtype=np.float64)
        wrong = np.abs(total - target) >= TOLERANCE
        active, total = active[wrong], total[wrong]
        if not len(active):
            break
        over = total > target
        high[active[over]] = scale[active[over]]
        low[active[~over]] = scale[active[~over]]
        bounded = np.isfinite(high[active])
        middle = (low[active] + np.where(bounded, high[active], 0)) / 2
        scale[active] = np.where(bounded, middle, 2 * scale[active])
    return scale
