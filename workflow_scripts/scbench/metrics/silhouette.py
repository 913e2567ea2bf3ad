"""Silhouettes: distances within a group compared with distances to other groups."""

from collections.abc import Callable, Sequence

import numpy as np

from scbench.metrics.clustering import isolated_types
from scbench.metrics.errors import NotApplicableError
from scbench.metrics.groups import mean_over_types
from scbench.seeding import generator

MAX_CELLS = 10_000
LEAST_OF_GROUP = 100
NO_TYPE = "no cell type is in several batches with several cells"
CHUNK = 512


def silhouette_cell_type(widths: np.ndarray) -> float:
    """Compactness and separation of the cell types: (mean silhouette width + 1) / 2, with Euclidean distances.

    Range: 0 to 1; 1: each type is a point far from the others; 0.5: no structure; below 0.5: types overlap others.
    Weakness: rewards compact round clusters, which some methods are trained for; penalises types with two subtypes.
    Source: Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7; criticism: Rautenstrauch and Ohler 2025.

    Parameters
    ----------
    widths
        (n_cells,) from `silhouette_widths` of the cell types.
    """
    return float((np.nanmean(widths) + 1) / 2)


def silhouette_clusters(X: np.ndarray, clusterings: Sequence[np.ndarray]) -> float:
    """Silhouette of Leiden clusters at resolution 1: (mean width + 1) / 2, mean over four seeds; needs no cell types.

    Range: 0 to 1; 1: each cluster is a point far from the others; 0.5: no structure.
    Weakness: as for all silhouettes; the clusters are made from the same distances, so noise also scores above 0.5; an
    embedding in which every batch is a cluster scores high.
    Source: Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    clusterings
        Each (n_cells,).
    """
    several = [clusters for clusters in clusterings if clusters.max() > clusters.min()]
    if not several:
        raise NotApplicableError("there is one cluster only")
    return float(np.mean([(np.nanmean(silhouette_widths(X, clusters)) + 1) / 2 for clusters in several]))


def isolated_labels(widths: np.ndarray, labels: np.ndarray, batch: np.ndarray) -> float:
    """Silhouette of the cell types present in the fewest batches (isolated types): (width + 1) / 2, mean over types.

    Only types of at least 20 cells count: the width of a type of one cell is 0, whatever the embedding.

    Range: 0 to 1; 1: the isolated types are far from all others.
    Weakness: as for the silhouette; depends on few cells and is meaningless if every type is in every batch.
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


def silhouette_batch(batch_widths: np.ndarray, labels: np.ndarray) -> float:
    """Overlap of the batches within cell types: 1 - |silhouette width of the batches|, mean over the types.

    Distances are Euclidean, to the nearest other batch. Types with a single batch and types in which every cell is from
    a different batch are left out.

    Range: 0 to 1; 1: the batches of each type coincide.
    Weakness: batches that overlap with a single other batch score well even if all others are separate (nested
    batches); rarely below 0.7 in practice. Kept for comparison with older benchmarks.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8; criticism: Rautenstrauch and Ohler 2025.

    Parameters
    ----------
    batch_widths
        (n_cells,) from `widths_within_types` with `silhouette_widths`.
    labels
        (n_cells,).
    """
    return mean_over_types(1 - np.abs(batch_widths), labels, NO_TYPE)


def bras(cosine_widths: np.ndarray, labels: np.ndarray) -> float:
    """Batch silhouette with cosine distances and the mean over all other batches instead of the nearest one.

    Range: 0 to 1; 1: the batches of each type coincide.
    Weakness: depends on directions only, not lengths; far below 1 only if batches dominate the embedding.
    Source: Rautenstrauch and Ohler 2025, doi 10.1038/s41587-025-02743-4.

    Parameters
    ----------
    cosine_widths
        (n_cells,) from `widths_within_types` with `cosine_silhouette_widths`.
    labels
        (n_cells,).
    """
    return mean_over_types(1 - np.abs(cosine_widths), labels, NO_TYPE)


def widths_within_types(X: np.ndarray, batch: np.ndarray, labels: np.ndarray, widths: Callable) -> np.ndarray:
    """Return the silhouette widths of the batches among the cells of each type.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    batch, labels
        (n_cells,).
    widths
        `silhouette_widths` or `cosine_silhouette_widths`.

    Returns
    -------
    (n_cells,), missing (nan) for types with a single batch and types in which every cell is from a different batch.
    """
    found = np.full(len(X), np.nan)
    for label in np.unique(labels):
        cells = np.flatnonzero(labels == label)
        if 1 < len(np.unique(batch[cells])) < len(cells):
            found[cells] = widths(X[cells], batch[cells])
    return found


def silhouette_widths(X: np.ndarray, groups: np.ndarray, *, max_cells: int = MAX_CELLS) -> np.ndarray:
    """Return (b - a) / max(a, b) per cell; a, b are mean Euclidean distances to its own and the nearest other group.

    The width is 0 for the only cell of a group and if all distances are 0. With more than `max_cells` cells, the widths
    are computed within a seeded sample (see `sample`), because all distances are needed; other cells are missing (nan).
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
    """Return a seeded sample of about `max_cells` cells, proportional to group sizes but at least 100 per group."""
    if len(groups) <= max_cells:
        return np.arange(len(groups))
    turn = generator(0, "sample").permutation(len(groups))  # of the cells, so that the names of groups do not matter
    chosen = []
    for group in np.unique(groups):
        cells = np.flatnonzero(groups == group)
        size = min(len(cells), max(LEAST_OF_GROUP, round(max_cells * len(cells) / len(groups))))
        chosen.append(cells[np.argsort(turn[cells])[:size]])
    return np.sort(np.concatenate(chosen))


def cosine_silhouette_widths(X: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return silhouette widths with cosine distances and the mean over all other groups, in linear time.

    A row of zeros has cosine distance 1 to all others.
    """
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
