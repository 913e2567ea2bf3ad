"""Nearest neighbours in a graph that a method made: along its edges."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count, pairwise

import numpy as np
from scipy import sparse


def nearest_along_edges(
    connectivities: sparse.csr_matrix, distances: sparse.csr_matrix, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the `k` nearest cells of every cell by the length of the shortest path, the cell itself first.

    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8, for LISI on graphs. They leave out the cells of
    components of fewer than `k` cells; here the cells of such a component are repeated.

    Parameters
    ----------
    connectivities
        (n_cells, n_cells) symmetric; its non-zero values are the edges.
    distances
        (n_cells, n_cells) lengths of the edges in one or both directions; missing ones are 0.

    Returns
    -------
    indices (n_cells, k) int64 and distances (n_cells, k) float64, ascending.
    """
    rows = np.repeat(np.arange(connectivities.shape[0]), np.diff(connectivities.indptr))
    lengths = np.asarray(distances.maximum(distances.T).tocsr()[rows, connectivities.indices]).ravel()
    ends, steps = connectivities.indices.tolist(), lengths.tolist()
    bounds = pairwise(connectivities.indptr.tolist())
    edges = [list(zip(ends[first:last], steps[first:last], strict=True)) for first, last in bounds]
    indices = np.zeros((len(edges), k), dtype=np.int64)
    found = np.zeros((len(edges), k))
    for cell in range(len(edges)):
        paths = _shortest(edges, cell, k)
        others = np.arange(1, len(paths)) if len(paths) > 1 else np.zeros(1, dtype=np.int64)
        chosen = [0, *np.sort(np.resize(others, k - 1))]
        found[cell], indices[cell] = zip(*(paths[position] for position in chosen), strict=True)
    return indices, found


def _shortest(edges: list[list[tuple[int, float]]], start: int, k: int) -> list[tuple[float, int]]:
    """Return up to `k` (length of the path, cell), shortest first, by Dijkstra's algorithm that stops early."""
    order = count()  # among equal lengths, the one that was found first
    queue, best = [(0.0, next(order), start)], {start: 0.0}
    done: dict[int, float] = {}
    while queue and len(done) < k:
        length, _, cell = heappop(queue)
        if cell in done:
            continue
        done[cell] = length
        for end, step in edges[cell]:
            if end not in done and length + step < best.get(end, np.inf):
                best[end] = length + step
                heappush(queue, (length + step, next(order), end))
    return [(length, cell) for cell, length in done.items()]
