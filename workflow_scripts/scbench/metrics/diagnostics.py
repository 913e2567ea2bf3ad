"""Diagnostics that do not need cell types."""

import numpy as np


def batch_classifier(indices: np.ndarray, batch: np.ndarray) -> float:
    """How poorly a neighbour classifier predicts the batch of a cell: 2 - 2 AUC, at most 1.

    The score of the classifier for a batch is the fraction of cells of that batch among the 89 nearest neighbours,
    without the cell itself. Its area under the ROC curve (AUC) is averaged over batches.

    Range: 0 to 1; 1: no better than chance (AUC 0.5 or less); 0: the batch of every cell is predicted correctly.
    Weakness: true differences in composition between batches lower the score, too, because it does not use labels. It
    is a diagnostic and not part of the totals.
    Source: classifier two-sample test of Lopez-Paz and Oquab 2017, arXiv 1610.06545, with a neighbour classifier.

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
    """Return the probability that a positive has more votes than a negative; ties count half, votes are counts."""
    of_positive = np.bincount(votes[positive], minlength=votes.max() + 1).astype(np.float64)
    of_negative = np.bincount(votes[~positive], minlength=votes.max() + 1).astype(np.float64)
    fewer = np.cumsum(of_negative) - of_negative / 2
    return float((of_positive * fewer).sum() / (of_positive.sum() * of_negative.sum()))
