"""What the analyses that hold batches out have in common: folds, the F1 score, transfer of labels by neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scbench.seeding import generator

MAX_FOLDS = 5
N_NEIGHBOURS = 15


def folds(batch: np.ndarray, seed: int) -> list[np.ndarray]:
    """Split the batches into folds, each held out once: single batches, or 5 groups if there are more than 5."""
    batches = np.unique(batch)
    return np.array_split(generator(seed, "folds").permutation(batches), min(len(batches), MAX_FOLDS))


def splits(batch: np.ndarray, labels: np.ndarray, seed: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield for every fold the names of its batches, and the indices of the training cells and of the test cells.

    Training cells are the labelled cells of the other batches; test cells are those of the fold whose type is among
    them. A fold without test cells, or with a single type to learn, is skipped. A single batch gives no folds.
    """
    for part in folds(batch, seed) if len(np.unique(batch)) > 1 else []:
        held_out = np.isin(batch, part)
        train = np.flatnonzero(~held_out & (labels != ""))
        test = np.flatnonzero(held_out & np.isin(labels, labels[train]))
        if len(test) and len(np.unique(labels[train])) > 1:
            yield ", ".join(map(str, part)), train, test


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean over the types of `truth` of 2 TP / (2 TP + FP + FN)."""
    scores = []
    for name in np.unique(truth):
        right = ((truth == name) & (predicted == name)).sum()
        scores.append(2 * right / ((truth == name).sum() + (predicted == name).sum()))
    return float(np.mean(scores))


def types_of_neighbours(X: np.ndarray, labels: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the type of most of the 15 nearest reference cells, X (n_cells, n_dims), of each new cell."""
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(min(N_NEIGHBOURS, len(X))).fit(X, labels).predict(new)
