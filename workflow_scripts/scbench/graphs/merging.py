"""Merge fine clusters: similarity of clusters, merge order, and the number of clusters from the eigengap.

Source: Yu et al. 2023, doi 10.1038/s41467-023-36635-5, following their released code, for all but `Merging.separate`.
Clusters are given as codes 0 ... n_clusters - 1 per cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from scbench.graphs.leiden import largest_first

SEPARATE = 0.22  # largest share of the edges of a cluster that may lead to one other cluster
Merges = list[tuple[int, int]]  # (kept, absorbed), kept < absorbed


def edge_counts(edges: sparse.csr_matrix, cluster: np.ndarray) -> np.ndarray:
    """Count the edges between clusters, (n, n) float64; the diagonal is twice the number of edges within a cluster."""
    member = sparse.csr_matrix((np.ones(len(cluster)), (np.arange(len(cluster)), cluster)))
    return (member.T @ edges @ member).toarray()


def similarity(counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Divide the edge count of two clusters by the size of the smaller one; the diagonal is -1."""
    similar = counts / np.minimum.outer(sizes, sizes)
    np.fill_diagonal(similar, -1)
    return similar


def two_step_graph(similar: np.ndarray) -> np.ndarray:
    """Weight paths of one and two steps between clusters, (n, n): A + A A, with A the similarities over their maximum.

    The diagonal is 0. Source: as for the module; the original chooses the number of clusters from this graph.
    """
    A = np.maximum(similar, 0)
    A = A / max(A.max(), np.finfo(float).tiny)
    B = A + A @ A
    np.fill_diagonal(B, 0)
    return B


def number_of_clusters(graph: np.ndarray, low: int = 2, high: int | None = None) -> int:
    """Choose the number of clusters K in [low, high] at the largest eigengap of a graph of clusters.

    Parameters
    ----------
    graph
        (n, n) symmetric weights: `two_step_graph`, or `edge_counts`, whose diagonal keeps small clusters in place.
    low, high
        Bounds, `low` at least 2, because a single cluster gives no triplets, and `high` at most n; None: n.

    Notes
    -----
    The gap is between the eigenvalues K and K + 1, in ascending order, of the normalised Laplacian of the graph. A
    cluster without edges is a separate component and adds an eigenvalue 0.
    """
    n = len(graph)
    high = min(n if high is None else high, n)
    if high <= low:
        return high
    degree = graph.sum(0)
    scale = np.where(degree > 0, 1 / np.sqrt(np.where(degree > 0, degree, 1)), 0)
    laplacian = np.diag((degree > 0).astype(float)) - scale[:, None] * graph * scale
    gaps = np.diff(np.linalg.eigvalsh(laplacian))  # gaps[K - 1] follows the K-th eigenvalue
    return low + int(np.argmax(gaps[low - 1 : high]))


def largest_share(counts: np.ndarray) -> float:
    """Return the largest share of the edges of a cluster that lead to one other cluster, given `edge_counts`."""
    shares = counts / np.maximum(counts.sum(0), 1)
    np.fill_diagonal(shares, 0)
    return float(shares.max())


def modularity_order(counts: np.ndarray) -> Merges:
    """List the n - 1 merges; each step merges the two clusters by which modularity rises most, or falls least.

    Unlike the similarity of `merge_order`, the gain of modularity takes the size of both clusters into account, so that
    one cluster does not absorb all others in turn if nothing separates them well. Source: Clauset et al. 2004, doi
    10.1103/PhysRevE.70.066111.
    """
    shares, order = counts / counts.sum(), []
    left = np.arange(len(counts))
    while len(left) > 1:
        own = shares[np.ix_(left, left)]
        gain = own - np.outer(own.sum(0), own.sum(0))
        np.fill_diagonal(gain, -np.inf)
        i, j = sorted(int(left[at]) for at in np.unravel_index(np.argmax(gain), gain.shape))
        order.append((i, j))
        _absorb(shares, i, j)
        left = left[left != j]
    return order


def merge_order(counts: np.ndarray, sizes: np.ndarray) -> Merges:
    """List the n - 1 merges; each step merges the two most similar clusters.

    Their edge counts are added and divided by the new sizes. Among equally similar pairs, the lowest codes come first.
    """
    counts, sizes = counts.astype(float).copy(), sizes.copy()
    similar, order = similarity(counts, sizes), []
    for _ in range(len(sizes) - 1):
        i, j = sorted(int(code) for code in np.unravel_index(np.argmax(similar), similar.shape))
        order.append((i, j))
        _absorb(counts, i, j)
        sizes[i] += sizes[j]
        similar[i] = similar[:, i] = np.where(similar[i] < 0, -1, counts[i] / np.minimum(sizes, sizes[i]))
        similar[j] = similar[:, j] = -1
    return order


def _absorb(counts: np.ndarray, kept: int, absorbed: int) -> None:
    """Add the counts of one cluster to those of another, in place."""
    counts[kept] += counts[absorbed]
    counts[:, kept] += counts[:, absorbed]
    counts[absorbed] = counts[:, absorbed] = 0


@dataclass(frozen=True)
class Merging:
    """Fine clusters of cells, (n_cells,) codes, and the edge counts between them, (n, n), by which they are merged."""

    fine: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, fine: np.ndarray, edges: sparse.csr_matrix) -> Merging:
        """Build from the fine clusters and the edges between cells."""
        return cls(fine, edge_counts(edges, fine))

    @property
    def sizes(self) -> np.ndarray:
        return np.bincount(self.fine)

    @property
    def two_step_graph(self) -> np.ndarray:
        return two_step_graph(similarity(self.counts, self.sizes))

    def into(self, n_clusters: int) -> np.ndarray:
        """Merge into `n_clusters`, or the number of fine clusters if that is smaller; return codes, largest first.

        Raises
        ------
        ValueError
            If the result is a single cluster, which gives no triplets.
        """
        return self._merged(n_clusters, merge_order(self.counts, self.sizes))

    def separate(self, low: int = 2, high: int | None = None) -> np.ndarray:
        """Merge until the clusters are separate: no cluster has more than 22 % of its edges with one other cluster.

        Merging starts at the number of clusters with the largest eigengap of the edge counts in [low, high]. If no
        number down to `low` gives separate clusters, they are merged by modularity instead; if that gives none either,
        the number with the largest eigengap is kept. Returns codes, largest first.

        Raises
        ------
        ValueError
            If there is only one fine cluster, which gives no triplets.
        """
        most = number_of_clusters(self.counts, low, high)
        order = merge_order(self.counts, self.sizes)
        n_clusters = self._separate_at(order, low, most)
        if n_clusters is None:
            order = modularity_order(self.counts)
            n_clusters = self._separate_at(order, low, most) or most
        return self._merged(n_clusters, order)

    def _separate_at(self, order: Merges, low: int, high: int) -> int | None:
        """Return the largest number of clusters in [low, high] at which they are separate, or None."""
        counts = self.counts.copy()
        for n, (kept, absorbed) in zip(range(len(counts), low - 1, -1), order, strict=False):
            if n <= high and largest_share(counts) <= SEPARATE:
                return n
            _absorb(counts, kept, absorbed)
        return None

    def _merged(self, n_clusters: int, order: Merges) -> np.ndarray:
        if min(n_clusters, len(self.sizes)) < 2:
            raise ValueError("one cluster of all cells gives no triplets: give n_clusters >= 2, or raise resolution")
        target = np.arange(len(self.sizes))
        for kept, absorbed in order[: max(len(target) - n_clusters, 0)]:
            target[target == absorbed] = kept
        return largest_first(target[self.fine])
