"""The form in which an embedding is scored, so that scale, the order of cells, names and an outlier do not matter."""

import numpy as np

from scbench.seeding import generator

REACH = 2.0  # of the distance within which 99 % of the cells are


def bounded(X: np.ndarray) -> np.ndarray:
    """Scale a matrix by a power of two to values of at most about 1 and pull outlier cells in.

    A cell is an outlier if its distance from the median of the cells is more than twice the distance within which 99 %
    of the cells are; it is moved to that distance, in the same direction. All other values keep their digits.

    Parameters
    ----------
    X
        (n_cells, n_dims), finite.

    Returns
    -------
    (n_cells, n_dims) float32.
    """
    X = X.astype(np.float64)
    X *= _power_of_two(np.abs(X).max(initial=0))  # squares of larger values overflow
    centre = np.median(X, axis=0)
    distance = np.sqrt(np.square(X - centre).sum(axis=1))
    reach = REACH * np.quantile(distance, 0.99, method="lower")
    far = np.flatnonzero((distance > reach) & (reach > 0))
    if len(far):
        X[far] = centre + (X[far] - centre) * (reach / distance[far])[:, None]
        print(f"{len(far)} cells are more than {REACH:g} times as far from the median as 99 % of the cells; pulled in")
    return (X * _power_of_two(np.abs(X).max(initial=0))).astype(np.float32)


def canonical_order(X: np.ndarray, pca: np.ndarray, *groups: np.ndarray) -> np.ndarray:
    """Return an order of the cells that depends on their data alone, with equal rows of `X` in random order.

    Cells at the same position are told apart by the PCA before integration and then by their groups, of which only the
    sizes and the positions of their cells count, never the names.

    Parameters
    ----------
    X, pca
        (n_cells, n_dims), (n_cells, n_pcs).
    groups
        Batches and cell types, each (n_cells,).

    Returns
    -------
    (n_cells,) indices.
    """
    place = _ranks(X)
    detail = place
    if detail.max() + 1 < len(X):
        detail = _ranks(np.column_stack([place, pca]))
    if detail.max() + 1 < len(X):
        detail = _ranks(np.column_stack([detail, *(_codes_without_names(group, detail) for group in groups)]))
    shuffled = np.argsort(detail, kind="stable")[generator(0, "canonical_order").permutation(len(X))]
    return shuffled[np.argsort(place[shuffled], kind="stable")]


def _power_of_two(largest: float) -> float:
    return 2.0 ** -np.floor(np.log2(largest)) if largest > 0 else 1.0


def _ranks(rows: np.ndarray) -> np.ndarray:
    """Return the rank of each row in the order by value, (n_rows,); equal rows have equal ranks, without gaps."""
    order = np.lexsort(rows.T[::-1])
    new = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    ranks = np.empty(len(rows), dtype=np.int64)
    ranks[order] = np.concatenate([[0], np.cumsum(new)])
    return ranks


def _codes_without_names(groups: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Number groups by the sorted ranks of their cells, (n_cells,)."""
    _, codes = np.unique(groups, return_inverse=True)
    members = [tuple(np.sort(ranks[codes == code])) for code in range(codes.max() + 1)]
    number = np.empty(len(members), dtype=np.int64)
    number[sorted(range(len(members)), key=members.__getitem__)] = np.arange(len(members))
    return number[codes]
