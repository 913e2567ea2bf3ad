"""Cell types predicted from neighbours: purity, transfer to a held-out batch, neighbours of other batches."""

import numpy as np

from scbench.graphs.neighbours import nearest
from scbench.metrics.errors import NotApplicableError
from scbench.metrics.groups import mean_over_types

N_TRANSFER = 15
LEAST_OF_TYPE = 10  # cells in the held-out batch; the F1 score of fewer is chance
N_KNI = 50
MOST_OF_BATCH = 0.8


def knn_purity(indices: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of the 14 nearest neighbours of a cell that have its cell type; mean over types of the mean over cells.

    Range: 0 to 1; 1: all neighbours of every cell have its type; every type counts the same.
    Weakness: does not look at batches, so separate batches cost nothing; a type of fewer than 15 cells cannot reach 1.
    Source: neighbour purity of clusters, here of cell types; Luecken et al. 2022 use cLISI for the same purpose.

    Parameters
    ----------
    indices
        (n_cells, 15) neighbours, the cell itself first.
    labels
        (n_cells,).
    """
    return mean_over_types(purity(indices, labels), labels, "there are no cells")


def purity(indices: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the fraction of neighbours (n_cells, k; the cell itself first) that have the label of the cell."""
    codes = np.unique(labels, return_inverse=True)[1]
    return (codes[indices[:, 1:]] == codes[:, None]).mean(axis=1)


def label_transfer(X: np.ndarray, indices: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """Macro-F1 of cell types predicted by the 15 nearest cells of the other batches; mean over batches held out.

    The type of most of the 15 neighbours is predicted; of types with equally many, that of the nearest neighbour. A
    batch is tested on its cells of types that are in other batches, and the F1 scores of the types with at least 10
    such cells are averaged.

    Range: 0 to 1; 1: the cells of every batch have the type of their neighbours in the other batches.
    Weakness: separate batches can score 1 if each type is still nearest to itself; it says nothing about types of a
    single batch; depends on correct labels.
    Source: the task of Lotfollahi et al. 2022, doi 10.1038/s41587-021-01001-7, with a neighbour classifier.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    indices
        (n_cells, k) neighbours in X, nearest first. A cell with fewer than 15 from other batches is searched again.
    batch, labels
        (n_cells,).
    """
    names, codes = np.unique(labels, return_inverse=True)
    scores = []
    for held_out in np.unique(batch):
        others = batch != held_out
        query = np.flatnonzero(~others & np.isin(codes, codes[others]))
        tested = np.flatnonzero(np.bincount(codes[query], minlength=len(names)) >= LEAST_OF_TYPE)
        if len(tested):
            found = _nearest_among(others, X, indices[query], query, min(N_TRANSFER, others.sum()))
            predicted = majority(codes[found], len(names))
            scores.append(np.mean([f1(codes[query] == code, predicted == code) for code in tested]))
    if not scores:
        raise NotApplicableError(f"no batch has {LEAST_OF_TYPE} cells of a type that is in another batch")
    return float(np.mean(scores))


def _nearest_among(others: np.ndarray, X: np.ndarray, neighbours: np.ndarray, query: np.ndarray, k: int) -> np.ndarray:
    """Find the `k` nearest cells among `others` (n_cells, boolean) for every cell of `query`; return (n_query, k).

    If at least `k` of the known `neighbours` of a cell (n_query, any; nearest first) are in `others`, the first `k` of
    these are taken. The other cells are searched.
    """
    allowed = others[neighbours]
    found = np.take_along_axis(neighbours, np.argsort(~allowed, axis=1, kind="stable")[:, :k], axis=1)
    few = allowed.sum(axis=1) < k
    if few.any():
        reference = np.flatnonzero(others)
        found[few] = reference[nearest(X[reference], X[query[few]], k)[0]]
    return found


def kni(indices: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """K-neighbours intersection: fraction of cells in mixed neighbourhoods whose type other batches predict.

    A cell counts if fewer than 80 % of its 50 nearest neighbours are from its own batch, and if most of its neighbours
    from other batches have its cell type. The published version first divides each dimension by its interquartile
    range, which changes the embedding; here it is scored as it is.

    Range: 0 to 1; 1: every neighbourhood is mixed, and the other batches predict every type.
    Weakness: cells of types of a single batch never count; a batch of more than 80 % of the cells hardly counts; half
    of the score is mixing although it stands for both.
    Source: Diaz-Mejia et al. 2025, arXiv 2503.20730.

    Parameters
    ----------
    indices
        (n_cells, k) neighbours, the cell itself first; at most 50 of them are used.
    batch, labels
        (n_cells,).
    """
    names, codes = np.unique(labels, return_inverse=True)
    batches = np.unique(batch, return_inverse=True)[1]
    neighbours = indices[:, 1 : N_KNI + 1]
    own = batches[neighbours] == batches[:, None]
    predicted = majority(np.where(own, -1, codes[neighbours]), len(names))
    return float(((own.mean(axis=1) < MOST_OF_BATCH) & (predicted == codes)).mean())


def majority(votes: np.ndarray, n_types: int) -> np.ndarray:
    """Return the most frequent code of each row, or -1 without votes; of equally frequent ones, the first.

    Parameters
    ----------
    votes
        (n_rows, k) codes from 0 to `n_types` - 1, nearest neighbour first; -1 is no vote.
    """
    n_rows, k = votes.shape
    rows = np.arange(n_rows)
    counts = np.zeros((n_rows, n_types + 1))
    first = np.full((n_rows, n_types + 1), k)
    for column in range(k - 1, -1, -1):
        counts[rows, votes[:, column]] += 1
        first[rows, votes[:, column]] = column
    best = (counts - first / (k + 1))[:, :-1].argmax(axis=1)  # -1 is the last column
    return np.where(counts[rows, best] > 0, best, -1)


def f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return 2 TP / (2 TP + FP + FN) of two boolean arrays."""
    return float(2 * (truth & predicted).sum() / max(truth.sum() + predicted.sum(), 1))
