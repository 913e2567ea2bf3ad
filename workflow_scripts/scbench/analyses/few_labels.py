"""Cell types of held-out batches from few labelled cells, with a pretrained trunk and without one."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from scbench.analyses.held_out import macro_f1, splits
from scbench.neural import automatic
from scbench.neural.cells import Cells, Counts
from scbench.neural.training import apply
from scbench.runner import FinishedRun
from scbench.seeding import generator, seed_torch
from scbench.transformer.modes import cell_tokens, classify, load_trunk
from scbench.transformer.pretraining import CHUNK, Pretraining

FRACTIONS = (0.01, 0.1, 1.0)
STEPS = 500  # of training, about: there are 20 to 400 epochs
COLUMNS = ["held_out", "fraction", "annotator", "n_labelled", "n_cells", "n_types", "macro_f1"]


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Return macro-F1 on held-out batches by annotator and fraction of labelled cells; see `few_labels_table`."""
    counts, pca = Counts.of(run.data("counts")), run.adata.obsm["X_pca"]
    table = few_labels_table(run.model, counts, pca, run.truth["batch"].to_numpy(), run.labels, seed=run.seed)
    return {"few_labels": table}


def few_labels_table(
    state: dict, counts: Counts, pca: np.ndarray, batch: np.ndarray, labels: np.ndarray, *, seed: int
) -> pd.DataFrame:
    """Compute macro-F1 of five annotators that see the types of 1 %, 10 % or all cells of the other batches.

    zero_shot: the type with the nearest mean of the cell tokens of the pretrained trunk; frozen and fine_tuned: a
    classifier on the trunk, without and with further training of the trunk; scratch: the same network with random
    weights; logistic_regression on principal components. The components were computed from all cells. At least one cell
    of every type is labelled; cells of types that are in no other batch are left out.

    Parameters
    ----------
    state
        Content of model.pt of a trunk with the genes of the dataset.
    pca
        (n_cells, n_pcs); at most 50 are used.

    Returns
    -------
    Table with the columns held_out (batches), fraction, annotator, n_labelled, n_cells, n_types, macro_f1; no rows for
    a single batch.
    """
    tokens = apply(partial(cell_tokens, load_trunk(state)), Cells("cpu", {"counts": counts}), CHUNK)
    components = pca[:, :50] / pca[:, :50].std(axis=0)
    rows = []
    for held_out, known, test in splits(batch, labels, seed):
        for fraction in FRACTIONS:
            train = labelled(known, labels, fraction, seed)
            predicted = _predictions(state, counts, tokens, components, labels, train, test, seed)
            size = {"n_labelled": len(train), "n_cells": len(test), "n_types": len(np.unique(labels[test]))}
            for annotator, names in predicted.items():
                which = {"held_out": held_out, "fraction": fraction, "annotator": annotator}
                rows.append(which | size | {"macro_f1": macro_f1(labels[test], names)})
    return pd.DataFrame(rows, columns=COLUMNS)


def labelled(cells: np.ndarray, labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Draw a fraction of the cells (indices, ascending), with at least one of every type."""
    order = generator(seed, "labelled").permutation(cells)
    firsts = order[np.unique(labels[order], return_index=True)[1]]
    others = order[~np.isin(order, firsts)]
    return np.sort(np.concatenate([firsts, others[: max(0, round(fraction * len(cells)) - len(firsts))]]))


def _predictions(
    state: dict,
    counts: Counts,
    tokens: np.ndarray,
    components: np.ndarray,
    labels: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    seed: int,
) -> dict[str, np.ndarray]:
    """Return {annotator: predicted types of the cells `test`}."""
    epochs = automatic.epochs(len(train), 128, STEPS)
    seen, new = counts[train], counts[test]

    def with_trunk(model: Pretraining, frozen: bool) -> np.ndarray:
        return classify(model, seen, labels[train], new, seed=seed, frozen=frozen, epochs=epochs)[0]

    means = pd.DataFrame(tokens[train]).groupby(labels[train]).mean()
    regression = LogisticRegression(max_iter=1000).fit(components[train], labels[train])
    return {
        "zero_shot": KNeighborsClassifier(1).fit(means, means.index).predict(tokens[test]),
        "frozen": with_trunk(load_trunk(state), True),
        "fine_tuned": with_trunk(load_trunk(state), False),
        "scratch": with_trunk(_untrained(state, counts, seed), False),
        "logistic_regression": regression.predict(components[test]),
    }


def _untrained(state: dict, counts: Counts, seed: int) -> Pretraining:
    """Return the same network with random weights and random gene vectors, centred on the mean cell."""
    seed_torch(seed)
    model = Pretraining(load_trunk(state).options, state["sizes"]["columns"])
    model.start_at(counts)
    return model
