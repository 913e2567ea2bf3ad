"""Diagnostics that need no cell types."""

import numpy as np


def batch_classifier(indices: np.ndarray, batch: np.ndarray) -> float:
    """How little a classifier can tell the batch of a cell: 2 - 2 AUC of its neighbours' votes, at most 1.

    For each batch the share of it among the 89 nearest neighbours (the cell itself does not vote) is the classifier's
    score, its area under the ROC curve is averaged over the batches.

    Range: 0 to 1; 1: no better than chance (AUC 0.5 or less); 0: every cell's batch is known.
    Weakness: true differences in composition between batches can be told as well; it needs no labels and so cannot
    know. A diagnostic, not a part of the totals.
    Source: the classifier two-sample test of Lopez-Paz and Oquab 2017, arXiv 1610.06545, with neighbours as classifier.

    Parameters
    ----------
    indices
        (n_cells, k) neighbours, the cell itself first.
    batch
        (n_cells,).
    """
    names, codes = np.unique(batch, return_inverse=True)
    areas = [roc_auc((codes[indices[:, 1:]] == code).sum(axis=1), codes == code) for code in range(len(names))]
    return min(1.0, float(2 - 2 * np.mean(areas)))


def roc_auc(votes: np.ndarray, positive: np.ndarray) -> float:
    """Return the probability that a positive has more votes than a negative, ties counting half; votes are counts."""
    of_positive = np.bincount(votes[positive], minlength=votes.max() + 1).astype(np.float64)
    of_negative = np.bincount(votes[~positive], minlength=votes.max() + 1).astype(np.float64)
    fewer = np.cumsum(of_negative) - of_negative / 2
    return float((of_positive * fewer).sum() / (of_positive.sum() * of_negative.sum()))
