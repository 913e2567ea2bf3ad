"""sBEE: composition of neighbourhoods and distances within and between batches, combined per cell."""

import numpy as np

from scbench.metrics.errors import NotApplicableError
from scbench.metrics.groups import group_means
from scbench.metrics.silhouette import sample

SENSITIVITY = 0.15
MAX_CELLS = 2_000
LEAST = 1e-10
CHUNK = 512


def sbee(indices: np.ndarray, X: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """Harmonic mean of two scores of mixing within the type of a cell, mean over batches, then over types.

    The first score is 1 - the Jensen-Shannon distance (base 2) between the batches of its type among the 89 nearest
    neighbours and the cell itself (at most as many as the type has cells) and the batches of the whole type. The second
    is exp(-(1 - r) / 0.15), where r is the median distance to cells of the type in its own batch over that to other
    batches, at most 1; it is 1 for a type of a single batch. For types of more than 2,000 cells, the second score is
    computed within a seeded sample of 2,000.

    Range: 0 to 1; 1: the batches of each type are mixed, and no farther from each other than from themselves.
    Weakness: types of a single batch score 1 in every embedding; a cell that is alone in its type and batch is left out
    (scib-metrics 0.6.0 gives it 0); the constant 0.15 is arbitrary.
    Source: scib-metrics 0.6.0, which cites Myradov et al. 2026.

    Parameters
    ----------
    indices
        (n_cells, k) neighbours, the cell itself first.
    X
        (n_cells, n_dims).
    batch, labels
        (n_cells,).
    """
    composition = composition_scores(indices, batch, labels)
    distance = distance_scores(X, batch, labels)
    both = composition + distance
    scores = np.divide(2 * composition * distance, both, out=np.zeros_like(both), where=both != 0)
    batches = np.unique(batch, return_inverse=True)[1]
    means = []
    for label in np.unique(labels):
        cells = labels == label
        of_batches = group_means(scores[cells], batches[cells])
        if np.isfinite(of_batches).any():
            means.append(np.nanmean(of_batches))
    if not means:
        raise NotApplicableError("no cell shares its type and its batch with another cell")
    return float(np.mean(means))


def composition_scores(indices: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return 1 - the Jensen-Shannon distance between the batches of a cell's neighbours and those of its type."""
    batches, types = (np.unique(groups, return_inverse=True)[1] for groups in (batch, labels))
    sizes = np.bincount(types)
    n_batches = batches.max() + 1
    of_type = np.bincount(types * n_batches + batches, minlength=len(sizes) * n_batches).reshape(-1, n_batches)
    result = np.empty(len(batch))
    for start in range(0, len(batch), CHUNK):
        rows = slice(start, start + CHUNK)
        near = indices[rows]
        counted = (types[near] == types[rows, None]) & (np.arange(near.shape[1]) < sizes[types[rows], None])
        flat = (batches[near] + n_batches * np.arange(len(near))[:, None])[counted]
        local = np.bincount(flat, minlength=len(near) * n_batches).reshape(-1, n_batches)
        result[rows] = 1 - _jensen_shannon(local, of_type[types[rows]])
    return result


def distance_scores(X: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return exp(-(1 - r) / 0.15) per cell, see `sbee`; missing (nan) for cells that were not sampled or are alone."""
    ratio = np.full(len(X), np.nan)
    for label in np.unique(labels):
        cells = np.flatnonzero(labels == label)
        cells = cells[sample(batch[cells], MAX_CELLS)]
        points = X[cells].astype(np.float64)
        for name in np.unique(batch[cells]):
            own = np.flatnonzero(batch[cells] == name)
            others = np.flatnonzero(batch[cells] != name)
            within = _distances(points[own], points[own])
            np.fill_diagonal(within, np.nan)
            if len(own) > 1:
                intra = np.nanmedian(within, axis=1)
                inter = np.median(_distances(points[own], points[others]), axis=1) if len(others) else intra
                ratio[cells[own]] = np.divide(intra, inter, out=np.ones(len(own)), where=inter > 0)
    return np.exp((np.minimum(ratio, 1) - 1) / SENSITIVITY)


def _jensen_shannon(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    p, q = (
        np.maximum(counts, LEAST) / np.maximum(counts, LEAST).sum(axis=1, keepdims=True) for counts in (first, second)
    )
    middle = (p + q) / 2
    divergence = (p * np.log2(p / middle) + q * np.log2(q / middle)).sum(axis=1) / 2
    return np.sqrt(np.maximum(divergence, 0))


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist

    return cdist(first, second)
