"""Cell types of held-out batches, predicted by five classifiers on the embedding of any method."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from scbench.analyses.held_out import N_NEIGHBOURS, macro_f1, splits
from scbench.files import read_graph
from scbench.runner import FinishedRun
from scbench.seeding import generator

MAX_CELLS = 3000  # for training; their types are drawn as they are
COLUMNS = ["held_out", "classifier", "n_cells", "n_types", "macro_f1"]


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Return macro-F1 of every classifier for every fold of held-out batches; see `classifier_table`.

    A method that makes a graph has no coordinates to classify, and gets no rows.
    """
    if read_graph(run.files["embedding"]) is not None:
        return {"classifiers": pd.DataFrame(columns=COLUMNS)}
    table = classifier_table(run.embedding, run.truth["batch"].to_numpy(), run.labels, seed=run.seed)
    return {"classifiers": table}


def make_classifiers(seed: int) -> dict[str, Any]:
    """Return {name: untrained classifier}, for dimensions of mean 0 and variance 1."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    return {
        "knn": KNeighborsClassifier(N_NEIGHBOURS),
        "logistic_regression": LogisticRegression(max_iter=500, class_weight="balanced"),
        "svm": SVC(class_weight="balanced", random_state=seed),
        "mlp": MLPClassifier((64,), learning_rate_init=0.005, max_iter=60, random_state=seed),
        "random_forest": RandomForestClassifier(100, class_weight="balanced", random_state=seed),
    }


def classifier_table(X: np.ndarray, batch: np.ndarray, labels: np.ndarray, *, seed: int) -> pd.DataFrame:
    """Train every classifier without the held-out batches and test it on them.

    Every batch is held out once: single batches, or 5 groups if there are more than 5. The embedding was made of all
    cells, without the labels. Cells of types that are in no other batch are left out.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    batch, labels
        (n_cells,); cells with an empty label are left out.

    Returns
    -------
    Table with the columns held_out (batches), classifier, n_cells, n_types, macro_f1; no rows for a single batch.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = []
    for held_out, train, test in splits(batch, labels, seed):
        if len(train) > MAX_CELLS:
            train = np.sort(generator(seed, "classifiers").choice(train, MAX_CELLS, replace=False))
            test = test[np.isin(labels[test], labels[train])]
        if not len(test) or len(np.unique(labels[train])) < 2 or len(train) < N_NEIGHBOURS:
            continue
        size = {"n_cells": len(test), "n_types": len(np.unique(labels[test]))}
        for name, classifier in make_classifiers(seed).items():
            model = make_pipeline(StandardScaler(), classifier)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the MLP has a fixed number of epochs
                predicted = model.fit(X[train], labels[train]).predict(X[test])
            score = macro_f1(labels[test], predicted)
            rows.append({"held_out": held_out, "classifier": name, **size, "macro_f1": score})
    return pd.DataFrame(rows, columns=COLUMNS)
