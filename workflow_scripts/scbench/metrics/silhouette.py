"""Silhouettes: distances within a group against those to other groups."""

import numpy as np

from scbench.metrics.clustering import isolated_types
from scbench.metrics.errors import NotApplicableError
from scbench.seeding import generator

MAX_CELLS = 10_000
LEAST_OF_GROUP = 100
CHUNK = 512


def silhouette_cell_type(widths: np.ndarray) -> float:
    """How compact and separate the cell types are: (mean silhouette width + 1) / 2, Euclidean.

    Range: 0 to 1; 1: types are points far apart; 0.5: no structure; below: types lie within each other.
    Weakness: rewards compact round clusters, which some methods are trained for; a type of two subtypes is punished.
    Source: Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7; criticism: Rautenstrauch and Ohler 2025.

    Parameters
    ----------
    widths
        (n_cells,) from `silhouette_widths` of the cell types.
    """
    return float((np.nanmean(widths) + 1) / 2)


def isolated_labels(widths: np.ndarray, labels: np.ndarray, batch: np.ndarray) -> float:
    """Silhouette of the cell types over the cells of those in the fewest batches: (width + 1) / 2, mean over types.

    Range: 0 to 1; 1: the isolated types are far from all others.
    Weakness: those of the silhouette; few cells decide it, and it has no meaning where every type is in every batch.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8.

    Parameters
    ----------
    widths
        (n_cells,) from `silhouette_widths` of the cell types.
    labels, batch
        (n_cells,).
    """
    means = [np.nanmean(widths[labels == label]) for label in isolated_types(labels, batch)]
    return float((np.mean(means) + 1) / 2)


def silhouette_batch(X: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """How little the batches of a cell type lie apart: 1 - |silhouette width of the batches|, mean over the types.

    Euclidean, against the nearest other batch. Types of one batch, and those in which every cell has its own, are left
    out.

    Range: 0 to 1; 1: the batches of each type coincide.
    Weakness: batches that overlap with one other batch score well although all others lie apart (nested batches);
    hardly below 0.7 in practice. Kept to compare with older benchmarks.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8; criticism: Rautenstrauch and Ohler 2025.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    batch, labels
        (n_cells,).
    """
    return _over_types(labels, batch, lambda cells: silhouette_widths(X[cells], batch[cells]))


def bras(X: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """As the batch silhouette, but against the mean of all other batches and by cosine distance.

    Range: 0 to 1; 1: the batches of each type coincide.
    Weakness: sees directions only, not lengths; far below 1 only where batches dominate the embedding.
    Source: Rautenstrauch and Ohler 2025, doi 10.1038/s41587-025-02743-4.

    Parameters
    ----------
    X
        (n_cells, n_dims); a row of zeros is at cosine distance 1 from all others.
    batch, labels
        (n_cells,).
    """
    return _over_types(labels, batch, lambda cells: _cosine_widths(X[cells], batch[cells]))


def silhouette_widths(X: np.ndarray, groups: np.ndarray, *, max_cells: int = MAX_CELLS) -> np.ndarray:
    """Return (b - a) / max(a, b) per cell; a, b are mean Euclidean distances to the own and the nearest other group.

    0 for the only cell of a group and where all distances are 0. With more than `max_cells` cells, a seeded sample (see
    `sample`) is judged within itself, because every distance is needed; the other cells are missing (nan).
    """
    kept = sample(groups, max_cells)
    names, codes = np.unique(groups[kept], return_inverse=True)
    order = np.argsort(codes, kind="stable")
    kept, codes = kept[order], codes[order]
    points = X[kept].astype(np.float64) - X[kept].mean(axis=0, dtype=np.float64)
    squares = np.einsum("ij,ij->i", points, points)
    starts = np.searchsorted(codes, np.arange(len(names)))
    sums = np.empty((len(points), len(names)))
    for start in range(0, len(points), CHUNK):
        rows = slice(start, start + CHUNK)
        distances = points[rows] @ points.T
        distances *= -2
        distances += squares
        distances += squares[rows, None]
        np.maximum(distances, 0, out=distances)
        np.sqrt(distances, out=distances)
        own = np.arange(start, start + len(distances))
        distances[np.arange(len(distances)), own] = 0
        sums[rows] = np.add.reduceat(distances, starts, axis=1)
    sizes = np.bincount(codes)
    cells = np.arange(len(points))
    within = sums[cells, codes] / np.maximum(sizes[codes] - 1, 1)
    means = sums / sizes
    means[cells, codes] = np.inf
    widths = np.full(len(groups), np.nan)
    widths[kept] = np.where(sizes[codes] > 1, _width(within, means.min(axis=1)), 0)
    return widths


def sample(groups: np.ndarray, max_cells: int) -> np.ndarray:
    """Return a seeded sample of about `max_cells` cells: each group in its share, but at least 100 of its cells."""
    if len(groups) <= max_cells:
        return np.arange(len(groups))
    random = generator(0, "sample")
    chosen = []
    for group in np.unique(groups):
        cells = np.flatnonzero(groups == group)
        size = min(len(cells), max(LEAST_OF_GROUP, round(max_cells * len(cells) / len(groups))))
        chosen.append(random.choice(cells, size, replace=False))
    return np.sort(np.concatenate(chosen))


def _cosine_widths(X: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Silhouette widths by cosine distance against the mean of all cells of other groups; linear in the cells."""
    names, codes = np.unique(groups, return_inverse=True)
    points = X.astype(np.float64)
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    points = np.divide(points, lengths, out=np.zeros_like(points), where=lengths > 0)
    members = codes[:, None] == np.arange(len(names))
    sizes = members.sum(axis=0)[codes]
    similar = points @ (points.T @ members)
    own = np.take_along_axis(similar, codes[:, None], axis=1)[:, 0]
    itself = np.einsum("ij,ij->i", points, points)
    within = 1 - (own - itself) / np.maximum(sizes - 1, 1)
    between = 1 - (similar.sum(axis=1) - own) / np.maximum(len(codes) - sizes, 1)
    return np.where(sizes > 1, _width(np.maximum(within, 0), np.maximum(between, 0)), 0)


def _width(within: np.ndarray, between: np.ndarray) -> np.ndarray:
    largest = np.maximum(within, between)
    return np.divide(between - within, largest, out=np.zeros_like(largest), where=largest > 1e-12)


def _over_types(labels: np.ndarray, batch: np.ndarray, widths) -> float:
    means = []
    for label in np.unique(labels):
        cells = np.flatnonzero(labels == label)
        if 1 < len(np.unique(batch[cells])) < len(cells):
            means.append(1 - np.nanmean(np.abs(widths(cells))))
    if not means:
        raise NotApplicableError("no cell type is in several batches with several cells")
    return float(np.mean(means))
