"""Query mapping: one batch is held out of training, and its cells are then mapped with the trained encoder.

The same cells are scored in the embedding of the run itself, whose training saw them. HVG and gene vectors are those of
the run, that is, of all cells; no step sees cell types.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from scbench.analyses.held_out import macro_f1, types_of_neighbours
from scbench.analyses.mapping import map_cells, trained_on, vectors_of_trunk
from scbench.files import read_record
from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.metrics.lisi import N_NEIGHBOURS, ilisi, neighbour_weights
from scbench.neural.cells import Counts
from scbench.runner import FinishedRun, call
from scbench.types import Dataset

COLUMNS = ["held_out", "cells", "n_cells", "n_types", "macro_f1", "ilisi"]


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Train the method of the run without one batch, map the batch, and score it beside the run itself.

    Returns
    -------
    Table query_mapping with the columns held_out (batch), cells (seen: in training, mapped: not), n_cells, n_types,
    macro_f1 (types predicted by the 15 nearest cells of the other batches, over the cells of types that are there) and
    ilisi (mixing of the batch with all others); no rows for a single batch.
    """
    batch, labels = run.truth["batch"].to_numpy(), run.labels
    if len(np.unique(batch)) < 2:
        return {"query_mapping": pd.DataFrame(columns=COLUMNS)}
    held_out = median_batch(batch)
    query = batch == held_out
    spaces = {"seen": run.embedding, "mapped": _mapped(run, query)}
    rows = [{"held_out": held_out, "cells": cells, **scores(X, query, labels)} for cells, X in spaces.items()]
    return {"query_mapping": pd.DataFrame(rows, columns=COLUMNS)}


def median_batch(batch: np.ndarray) -> str:
    """Return the batch of median size; of an even number of batches, the smaller one in the middle."""
    names, sizes = np.unique(batch, return_counts=True)
    return names[np.argsort(sizes, kind="stable")[(len(names) - 1) // 2]]


def scores(X: np.ndarray, query: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return n_cells, n_types, macro_f1 and ilisi of the cells `query`, (n_cells,) bool, in X (n_cells, n_dims)."""
    reference = ~query & (labels != "")
    asked = query & np.isin(labels, labels[reference])
    f1 = np.nan
    if asked.any():
        f1 = macro_f1(labels[asked], types_of_neighbours(X[reference], labels[reference], X[asked]))
    indices, distances = nearest_of_each_cell(X, min(N_NEIGHBOURS + 1, len(X)))
    mixing = ilisi(indices, neighbour_weights(distances), query)
    return {"n_cells": int(query.sum()), "n_types": len(np.unique(labels[asked])), "macro_f1": f1, "ilisi": mixing}


def _mapped(run: FinishedRun, query: np.ndarray) -> np.ndarray:
    """Return the embedding of a method trained without the cells `query`, and these cells mapped, in their order."""
    known = trained_on(run.model)
    seen = _without(run, query, known["input"])
    params = read_record(run.files["embedding"])["parameters"]
    found = call(known["module"], seen, seed=run.seed, device="cpu", threads=1, params=params)
    state = {**(found.model or {}), "trained_on": {**known, "batches": list(seen.batch_names)}}
    everything = run.data("counts")
    batch = np.array(everything.batch_names)[everything.batch]
    X = np.empty((len(query), found.X.shape[1]), dtype=np.float32)
    X[~query] = found.X
    X[query] = map_cells(state, Counts.of(everything)[np.flatnonzero(query)], batch[query])
    return X


def _without(run: FinishedRun, query: np.ndarray, declared: str) -> Dataset:
    """Return the dataset without the cells `query`, with a PCA of its own, as the input of the method."""
    from sklearn.decomposition import PCA

    data, kept = run.data(declared), np.flatnonzero(~query)
    names, batch = np.unique(data.batch[kept], return_inverse=True)
    pca = PCA(min(data.pca.shape[1], len(kept) - 1), svd_solver="arpack", random_state=0)
    return replace(
        data,
        X=data.X[kept],
        batch=batch,
        batch_names=tuple(data.batch_names[code] for code in names),
        total_counts=data.total_counts[kept],
        pca=pca.fit_transform(run.adata.X[kept]).astype(np.float32),
        gene_vectors=vectors_of_trunk(run.model, len(data.gene_names)),
    )
