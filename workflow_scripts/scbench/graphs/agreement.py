"""Agreement of two clusterings of the same cells."""

import numpy as np


def ari(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Adjusted Rand index: fraction of pairs of cells on which clusters and cell types agree, corrected for chance.

    Range: -0.5 to 1; 1: identical groups; 0: expected value for random clusters (can be slightly negative).
    Weakness: large types dominate; splitting one type in two lowers the score a lot.
    Source: Hubert and Arabie 1985, doi 10.1007/BF01908075.

    Parameters
    ----------
    labels, clusters
        (n_cells,).
    """
    counts = contingency(labels, clusters)
    both, of_labels, of_clusters = (_pairs(sizes) for sizes in (counts, counts.sum(axis=1), counts.sum(axis=0)))
    expected = of_labels * of_clusters / _pairs(counts.sum())
    largest = (of_labels + of_clusters) / 2
    return 1.0 if largest == expected else float((both - expected) / (largest - expected))


def contingency(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the number of cells that each pair of groups shares; rows and columns are sorted by name."""
    names, rows = np.unique(first, return_inverse=True)
    others, columns = np.unique(second, return_inverse=True)
    shared = np.bincount(rows * len(others) + columns, minlength=len(names) * len(others))
    return shared.reshape(len(names), len(others)).astype(np.float64)


def _pairs(sizes: np.ndarray) -> float:
    return float((sizes * (sizes - 1)).sum() / 2)
