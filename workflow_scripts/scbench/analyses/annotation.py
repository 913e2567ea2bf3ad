"""The annotation task: predict the cell types of held-out batches from the labels of the other batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from scbench.analyses.held_out import macro_f1, splits
from scbench.neural.cells import Counts
from scbench.runner import FinishedRun
from scbench.transformer.modes import classify, load_trunk


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Return macro-F1 on held-out batches for the classifier of the trunk and logistic regression.

    See `annotation_table`.
    """
    counts, pca = Counts.of(run.data("counts")), run.adata.obsm["X_pca"]
    table = annotation_table(run.model, counts, pca, run.truth["batch"].to_numpy(), run.labels, seed=run.seed)
    return {"annotation": table}


def annotation_table(
    state: dict, counts: Counts, pca: np.ndarray, batch: np.ndarray, labels: np.ndarray, *, seed: int
) -> pd.DataFrame:
    """Compute macro-F1 of the trunk's classifier and of logistic regression on principal components, per fold.

    Trunk and components were computed from all cells, without cell types. Cells of types that are in no other batch are
    left out.

    Parameters
    ----------
    state
        Content of model.pt.
    pca
        (n_cells, n_pcs); at most 50 are used.

    Returns
    -------
    Table with the columns held_out (batches), annotator, n_cells, n_types, macro_f1; no rows for a single batch.
    """
    rows = []
    for held_out, train, test in splits(batch, labels, seed):
        scale = pca[train].std(axis=0)[:50]
        regression = LogisticRegression(max_iter=1000).fit(pca[train, :50] / scale, labels[train])
        predicted = {
            "gene_transformer": classify(load_trunk(state), counts[train], labels[train], counts[test], seed=seed)[0],
            "logistic_regression": regression.predict(pca[test, :50] / scale),
        }
        size = {"n_cells": len(test), "n_types": len(np.unique(labels[test]))}
        for annotator, names in predicted.items():
            rows.append(
                {"held_out": held_out, "annotator": annotator, **size, "macro_f1": macro_f1(labels[test], names)}
            )
    return pd.DataFrame(rows, columns=["held_out", "annotator", "n_cells", "n_types", "macro_f1"])
