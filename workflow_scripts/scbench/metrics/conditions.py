"""Whether a condition, such as a treatment, is kept apart within cell types; integration should remove batches only."""

import numpy as np

from scbench.graphs.neighbours import nearest, nearest_of_each_cell
from scbench.metrics.diagnostics import roc_auc
from scbench.metrics.errors import NotApplicableError
from scbench.metrics.groups import mean_over_types

N_NEIGHBOURS = 15
MIN_CELLS = 30
MIN_OF_CONDITION = 5


def condition_purity(X: np.ndarray, condition: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """Whether the nearest cells of other batches have the condition of a cell, corrected for chance; mean over types.

    For every cell, among the 15 nearest cells of its type in other batches: (p - e) / (1 - e) with the share p that has
    its condition and the share e of all these cells that has it, both averaged over the cells of the type. Cells whose
    condition all or none of them have are left out; so are types with fewer than 30 cells left.

    Range: about 0: the condition is lost; 1: cells of different batches lie together if and only if they share it;
    negative: a cell lies near the other condition.
    Weakness: needs a condition in several batches; where the condition has no effect on a type it is 0 for any method,
    so compare with the unintegrated embedding, and types without an effect lower the mean.
    Source: this project; agreement corrected for chance as in Cohen 1960, doi 10.1177/001316446002000104.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    condition, batch, labels
        (n_cells,).
    """
    found = []
    for label in np.unique(labels):
        of_type = np.flatnonzero(labels == label)
        observed, expected = [], []
        for name in np.unique(batch[of_type]):
            own, others = of_type[batch[of_type] == name], of_type[batch[of_type] != name]
            if not len(others):
                continue
            chance = (condition[others] == condition[own, None]).mean(axis=1)
            informative = (chance > 0) & (chance < 1)
            if informative.any():
                own, k = own[informative], min(N_NEIGHBOURS, len(others))
                near = condition[others[nearest(X[others], X[own], k)[0]]]
                observed.append((near == condition[own, None]).mean(axis=1))
                expected.append(chance[informative])
        if sum(map(len, observed)) >= MIN_CELLS:
            chance = np.concatenate(expected).mean()
            found.append((np.concatenate(observed).mean() - chance) / (1 - chance))
    if not found:
        raise NotApplicableError("no cell type has several conditions, one of them in several batches")
    return float(np.mean(found))


def condition_auc(X: np.ndarray, condition: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """How well neighbours of the same type and batch predict the condition of a cell: AUC, mean over cell types.

    The score of a cell for a condition is the number of its 15 nearest neighbours within type and batch that have it;
    its area under the ROC curve is averaged over conditions and, weighted by cells, over the batches of a type.
    Groups of fewer than 30 cells or with a single condition are left out, and so are conditions of fewer than 5 cells.

    Range: 0.5: the condition is lost; 1: each condition lies apart. Slightly below 0.5 in small groups without effect.
    Weakness: needs batches with several conditions; says nothing about whether batches agree on the effect.
    Source: the question of Augur, Skinnider et al. 2021, doi 10.1038/s41587-020-0605-1, asked of neighbours instead of
    a random forest.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    condition, batch, labels
        (n_cells,).
    """
    areas = np.full(len(X), np.nan)
    for label in np.unique(labels):
        for name in np.unique(batch[labels == label]):
            cells = np.flatnonzero((labels == label) & (batch == name))
            names, codes, sizes = np.unique(condition[cells], return_inverse=True, return_counts=True)
            judged = np.flatnonzero(sizes >= MIN_OF_CONDITION)
            if len(cells) >= MIN_CELLS and len(names) > 1 and len(judged):
                near = codes[nearest_of_each_cell(X[cells], N_NEIGHBOURS + 1)[0][:, 1:]]
                areas[cells] = np.mean([roc_auc((near == code).sum(axis=1), codes == code) for code in judged])
    return mean_over_types(areas, labels, f"no cell type has several conditions and {MIN_CELLS} cells within a batch")
