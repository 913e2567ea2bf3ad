"""Local inverse Simpson's index (LISI): effective number of batches or cell types in the neighbourhood of a cell."""

import numpy as np

from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.metrics.errors import NotApplicableError
from scbench.seeding import generator

N_NEIGHBOURS = 90
N_WITHIN_TYPE = 30
MIN_CELLS = 10
TOLERANCE = 1e-5
TRIES = 50
CHUNK = 4096


def clisi(indices: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> float:
    """Purity of cell type neighbourhoods: (types - median LISI of the cell types) / (types - 1).

    LISI is 1 / sum(p^2) over the fractions p of the types among 90 neighbours, weighted with perplexity 30.

    Range: 0 to 1; 1: every neighbourhood has a single type; near 0: all types in equal fractions everywhere.
    Weakness: close to 1 for nearly every method, so it hardly distinguishes them; insensitive to types that are split.
    Source: Korsunsky et al. 2019, doi 10.1038/s41592-019-0619-0; scaled as in Luecken et al. 2022.

    Parameters
    ----------
    indices, weights
        (n_cells, k), see `neighbour_weights`.
    labels
        (n_cells,).
    """
    n_types = len(np.unique(labels))
    return float((n_types - np.median(lisi(indices, weights, labels))) / (n_types - 1))


def ilisi(indices: np.ndarray, weights: np.ndarray, batch: np.ndarray) -> float:
    """Mixing of batches: (median LISI of the batches - 1) / (batches - 1).

    LISI is 1 / sum(p^2) over the fractions p of the batches among 90 neighbours, weighted with perplexity 30.

    Range: 0 to 1; 0: every neighbourhood has a single batch; 1: all batches in equal fractions everywhere.
    Weakness: also rewards mixing of different cell types, so noise scores near the best; stays below 1 if batches
    differ in size or composition, however well they are mixed.
    Source: Korsunsky et al. 2019, doi 10.1038/s41592-019-0619-0; scaled as in Luecken et al. 2022.

    Parameters
    ----------
    indices, weights
        (n_cells, k), see `neighbour_weights`.
    batch
        (n_cells,).
    """
    return float((np.median(lisi(indices, weights, batch)) - 1) / (len(np.unique(batch)) - 1))


def ilisi_rescaled(indices: np.ndarray, weights: np.ndarray, batch: np.ndarray) -> float:
    """Mixing of batches as a fraction of what perfect mixing gives: (median LISI - 1) / (the same, shuffled - 1).

    The shuffled batches are one seeded permutation over the cells; sizes of batches and neighbours stay the same.

    Range: 0 to 1; 0: every neighbourhood has a single batch; 1: as mixed as batches drawn at random.
    Weakness: as iLISI, it also rewards mixing of different cell types; types that are missing from batches keep it
    below 1. Unlike iLISI, it does not fall with the number of batches: perfect mixing of 2, 10, 40 and 200 batches has
    iLISI 0.90, 0.56, 0.24 and 0.06.
    Source: Korsunsky et al. 2019, doi 10.1038/s41592-019-0619-0; scaled here by a permutation.

    Parameters
    ----------
    indices, weights
        (n_cells, k), see `neighbour_weights`.
    batch
        (n_cells,).
    """
    shuffled = generator(0, "ilisi_rescaled").permutation(batch)
    perfect = np.median(lisi(indices, weights, shuffled)) - 1
    return float(min(1.0, (np.median(lisi(indices, weights, batch)) - 1) / perfect))


def cilisi(mixing: np.ndarray) -> float:
    """Mixing of batches within each cell type: (LISI - 1) / (batches of the type - 1), mean over cells.

    LISI is 1 / sum(p^2) over the fractions p of the batches among the 30 nearest neighbours of the same type, with
    equal weights. Types of fewer than 10 cells or of a single batch are left out.

    Range: 0 to 1; 1: the batches of a type are mixed in equal fractions.
    Weakness: like iLISI, it stays below 1 if batches differ in size; small types have small neighbourhoods; depends on
    correct labels.
    Source: Andreatta et al. 2024, doi 10.1038/s41467-024-45240-z (scIntegrationMetrics 1.1).

    Parameters
    ----------
    mixing
        (n_cells,) from `mixing_within_types`.
    """
    if np.isnan(mixing).all():
        raise NotApplicableError(f"no cell type of at least {MIN_CELLS} cells is in several batches")
    return float(np.nanmean(mixing))


def mixing_within_types(X: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (LISI of the batches among the cells of its type - 1) / (batches of the type - 1) per cell.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    batch, labels
        (n_cells,).

    Returns
    -------
    (n_cells,), missing (nan) for types of fewer than 10 cells or of a single batch.
    """
    mixing = np.full(len(X), np.nan)
    for label in np.unique(labels):
        cells = np.flatnonzero(labels == label)
        n_batches = len(np.unique(batch[cells]))
        if len(cells) >= MIN_CELLS and n_batches > 1:
            indices, _ = nearest_of_each_cell(X[cells], min(N_WITHIN_TYPE + 1, len(cells)))
            equal = np.full((len(cells), indices.shape[1] - 1), 1 / (indices.shape[1] - 1))
            mixing[cells] = (lisi(indices, equal, batch[cells]) - 1) / (n_batches - 1)
    return mixing


def lisi(indices: np.ndarray, weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return 1 / (sum over groups of the squared weight of a cell's neighbours in the group), (n_cells,)."""
    names, codes = np.unique(groups, return_inverse=True)
    simpson = np.empty(len(indices))
    for start in range(0, len(indices), CHUNK):
        rows = slice(start, start + CHUNK)
        n_rows = len(indices[rows])
        flat = codes[indices[rows, 1:]] + len(names) * np.arange(n_rows)[:, None]
        shares = np.bincount(flat.ravel(), weights[rows].ravel(), minlength=n_rows * len(names))
        simpson[rows] = np.square(shares.reshape(n_rows, -1)).sum(axis=1)
    return 1 / simpson


def neighbour_weights(distances: np.ndarray) -> np.ndarray:
    """Return the weights exp(-rate x distance) of a cell's neighbours, with the rate that gives perplexity k / 3.

    Parameters
    ----------
    distances
        (n_cells, k), the cell itself first.

    Returns
    -------
    (n_cells, k - 1) float32; each row sums to 1. If no rate gives the perplexity (all neighbours at the same position),
    the rate after 50 iterations is used.
    """
    target = np.log(np.floor(distances.shape[1] / 3))
    weights = [_weights(distances[start : start + CHUNK, 1:], target) for start in range(0, len(distances), CHUNK)]
    return np.concatenate(weights)


def _weights(distances: np.ndarray, target: float) -> np.ndarray:
    distances = (distances - distances[:, :1]).astype(np.float32)  # leaves the weights unchanged and avoids underflow
    n_cells = len(distances)
    rate, low, high = (np.full(n_cells, value, dtype=np.float32) for value in (1, -np.inf, np.inf))
    result = np.empty_like(distances)
    active = np.arange(n_cells)
    for _ in range(TRIES + 1):
        found = np.exp(-distances[active] * rate[active, None])
        total = found.sum(axis=1)
        result[active] = found / total[:, None]
        entropy = np.log(total) + rate[active] * np.einsum("ij,ij->i", distances[active], result[active])
        off = entropy - target
        wrong = np.abs(off) >= TOLERANCE
        active, off = active[wrong], off[wrong]
        if not len(active):
            break
        flat = off > 0
        low[active[flat]] = rate[active[flat]]
        high[active[~flat]] = rate[active[~flat]]
        doubled, halved = flat & np.isinf(high[active]), ~flat & np.isinf(low[active])
        with np.errstate(invalid="ignore"):
            middle = (low[active] + high[active]) / 2
        rate[active] = np.select([doubled, halved], [2 * rate[active], rate[active] / 2], middle)
    return result
