"""Means over the cells of each cell type."""

import numpy as np

from scbench.metrics.errors import NotApplicableError


def group_means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the mean over the cells of each group, in the sorted order of the groups; missing values are left out.

    Parameters
    ----------
    values
        (n_cells,), nan where a cell has no value.
    groups
        (n_cells,).

    Returns
    -------
    (n_groups,), nan for a group without any value.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    valued = np.isfinite(values)
    counts = np.bincount(codes[valued], minlength=codes.max() + 1)
    sums = np.bincount(codes[valued], values[valued], minlength=len(counts))
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def mean_over_types(values: np.ndarray, labels: np.ndarray, otherwise: str) -> float:
    """Return the mean of the means of the cell types, or raise NotApplicableError(otherwise) if no type has a value."""
    means = group_means(values, labels)
    if np.isnan(means).all():
        raise NotApplicableError(otherwise)
    return float(np.nanmean(means))
