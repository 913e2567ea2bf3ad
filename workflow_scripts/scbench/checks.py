"""Contracts of the files, checked when a file is written and again when it is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from scbench.types import HISTORY_COLUMNS, ContractError, Embedding, Graph

Run = tuple[str, str, int]
RUN_COLUMNS = ["dataset", "method", "seed"]
TRUTH_COLUMNS = ["cell_id", "batch", "cell_type"]
CONDITION = "condition"  # column of the truth and of raw obs, if there is a condition_key
LABEL_PREFIX = "label:"  # of the columns with all levels of cell types, if there are several; the first is cell_type
SCORE_COLUMNS = [*RUN_COLUMNS, "metric", "group", "value", "status", "reason", "implementation"]
BY_TYPE_COLUMNS = [*RUN_COLUMNS, "level", "name", "metric", "value", "cells"]
BY_TYPE_LEVELS = ("cell_type", "batch")
LEVEL_COLUMNS = [*RUN_COLUMNS, "labels", *SCORE_COLUMNS[3:]]
SCORE_STATUS = ("ok", "not_applicable", "failed")
BENCHMARK_FIELDS = ["s", "cpu_time", "max_rss"]  # of benchmark.jsonl: wall seconds, CPU seconds, memory in MB


def is_counts(matrix: sparse.spmatrix | np.ndarray) -> bool:
    """Return whether all values are finite, non-negative integers."""
    values = np.asarray(matrix.data if sparse.issparse(matrix) else matrix)
    if values.dtype.kind not in "buif":
        return False
    if np.issubdtype(values.dtype, np.integer):
        return not values.size or bool(values.min() >= 0)
    return bool(np.isfinite(values).all() and (values >= 0).all() and (values == np.round(values)).all())


def check_embedding(where: str | Path, embedding: Embedding, n_cells: int) -> None:
    """Raise ContractError unless X is (n_cells, n_dims) finite float32 and clusters and history are valid."""
    X = embedding.X
    require(isinstance(X, np.ndarray) and X.ndim == 2, where, "the embedding is not a two-dimensional array")
    shape = f"the embedding has shape {X.shape} for {n_cells} cells"
    require(X.shape[0] == n_cells and X.shape[1] >= 1, where, shape)
    require(X.dtype == np.float32, where, f"the embedding is {X.dtype}, not float32")
    require(bool(np.isfinite(X).all()), where, "the embedding holds values that are not finite")
    if embedding.cluster is not None:
        require(len(embedding.cluster) == n_cells, where, "there is not one cluster per cell")
    if embedding.graph is not None:
        check_graph(where, embedding.graph, n_cells)
    if embedding.history is not None:
        require(list(embedding.history.columns) == HISTORY_COLUMNS, where, f"history needs {HISTORY_COLUMNS}")
        finite = np.isfinite(embedding.history["value"]).all()
        require(bool(finite), where, "the history holds values that are not finite")


def check_run(where: str | Path, record: Mapping, run: Run | None) -> None:
    """Raise ContractError if the record says that a file is of another (dataset, method, seed)."""
    for name, wanted in zip(RUN_COLUMNS, run or (), strict=False):
        found = record.get(name, wanted)
        require(found == wanted, where, f"is of {name} {found}, not of {name} {wanted}")


def check_graph(where: str | Path, graph: Graph, n_cells: int) -> None:
    """Raise ContractError unless both matrices are (n_cells, n_cells) CSR of finite values, the first one symmetric."""
    for name, matrix in {"connectivities": graph.connectivities, "distances": graph.distances}.items():
        known = sparse.issparse(matrix) and matrix.format == "csr"
        require(
            known and matrix.shape == (n_cells, n_cells), where, f"{name} is not a CSR matrix of all pairs of cells"
        )
        valid = np.isfinite(matrix.data).all() and (matrix.data >= 0).all()
        require(bool(valid), where, f"{name} holds values that are negative or not finite")
    difference = abs(graph.connectivities - graph.connectivities.T)
    require(difference.nnz == 0 or difference.max() < 1e-6, where, "connectivities is not symmetric")


def check_raw(path, adata) -> None:
    require(adata.n_obs > 0 and adata.n_vars > 0, path, f"is empty: {adata.n_obs} cells, {adata.n_vars} genes")
    require(sparse.issparse(adata.X) and adata.X.format == "csr", path, "X is not a CSR matrix")
    require(is_counts(adata.X), path, "X does not hold raw counts (whole numbers, not negative)")
    _check_batch(path, adata)
    require(bool(adata.obs_names.is_unique), path, "cell ids are not unique")
    require(bool(adata.var_names.is_unique), path, "gene names are not unique")


def check_dataset(path, adata, matrices: Collection[str] = ("X", "counts")) -> None:
    """Check a prepared dataset that has been read with the given matrices of cells x genes."""
    if "counts" in matrices:
        require("counts" in adata.layers, path, "has no layers['counts']")
        counts = adata.layers["counts"]
        require(sparse.issparse(counts) and counts.format == "csr", path, "layers['counts'] is not a CSR matrix")
        require(is_counts(counts), path, "layers['counts'] does not hold whole, non-negative numbers")
    if "X" in matrices:
        lognorm = sparse.issparse(adata.X) and adata.X.format == "csr" and adata.X.dtype == np.float32
        require(lognorm, path, "X is not CSR float32")
    _check_batch(path, adata)
    require("total_counts" in adata.obs, path, "has no obs['total_counts']")
    require("highly_variable_rank" in adata.var, path, "has no var['highly_variable_rank']")
    require("X_pca" in adata.obsm, path, "has no obsm['X_pca']")
    require("preprocessing" in adata.uns, path, "has no uns['preprocessing']")
    require(bool(np.isfinite(adata.obsm["X_pca"]).all()), path, "obsm['X_pca'] holds values that are not finite")
    require("cell_type" not in adata.obs, path, "holds cell types, which only truth.tsv.gz may")


def _check_batch(path, adata) -> None:
    categorical = "batch" in adata.obs and isinstance(adata.obs["batch"].dtype, pd.CategoricalDtype)
    require(categorical, path, "obs['batch'] is missing or not categorical")
    require(bool(adata.obs["batch"].notna().all()), path, "obs['batch'] has missing values")


def check_truth(path, truth) -> None:
    further = [column for column in truth if column not in TRUTH_COLUMNS]
    require(list(truth.columns[:3]) == TRUTH_COLUMNS, path, f"the first columns must be {TRUTH_COLUMNS}")
    levels = [column for column in further if column.startswith(LABEL_PREFIX)]
    known = [CONDITION] * (CONDITION in further) + levels
    require(further == known, path, f"further columns must be {CONDITION} and {LABEL_PREFIX}*, not {further}")
    primary = not levels or bool((truth[levels[0]] == truth["cell_type"]).all())
    require(primary, path, "the first level of cell types is not cell_type")
    require(truth["cell_id"].is_unique, path, "cell ids are not unique")


def check_levels(path, levels) -> None:
    require(list(levels.columns) == LEVEL_COLUMNS, path, f"columns must be {LEVEL_COLUMNS}")
    for _, scores in levels.groupby("labels"):
        check_scores(path, scores[SCORE_COLUMNS])


def check_scores(path, scores) -> None:
    require(list(scores.columns) == SCORE_COLUMNS, path, f"columns must be {SCORE_COLUMNS}")
    require(bool(scores["status"].isin(SCORE_STATUS).all()), path, f"status must be one of {SCORE_STATUS}")
    valued = scores["value"].notna() & np.isfinite(scores["value"].astype(float))
    require(bool((valued == (scores["status"] == "ok")).all()), path, "a score has a value exactly when it is ok")
    _check_range(path, scores)
    require(bool((scores["reason"].ne("") | (scores["status"] == "ok")).all()), path, "a missing score needs a reason")
    require(not scores.duplicated([*RUN_COLUMNS, "metric"]).any(), path, "a score stands twice")


def check_by_type(path, table) -> None:
    require(list(table.columns) == BY_TYPE_COLUMNS, path, f"columns must be {BY_TYPE_COLUMNS}")
    require(bool(table["level"].isin(BY_TYPE_LEVELS).all()), path, f"level must be one of {BY_TYPE_LEVELS}")
    twice = table.duplicated([*RUN_COLUMNS, "level", "name", "metric"]).any()
    require(not twice, path, "a score stands twice")
    _check_range(path, table)
    require(bool((table["cells"] >= 1).all()), path, "a group has no cells")


def _check_range(path, table) -> None:
    """Scores lie between -1 and 1; a metric that computes 1 may miss it by its rounding."""
    for row in table[table["value"].astype(float).abs() > 1 + 1e-6].itertuples():
        raise ContractError(f"{path}: the score {row.metric} is {row.value}, outside of -1 to 1")


def check_complete(path, table: pd.DataFrame, run: Run, metrics: Collection[str] | None = None) -> None:
    """Raise ContractError unless all rows are of this run, and there is one for each of `metrics`."""
    others = table[(table[RUN_COLUMNS] != run).any(axis=1)]
    for row in others.itertuples():
        check_run(path, row._asdict(), run)
    missing = set(metrics or ()) - set(table["metric"])
    require(not missing, path, f"has no row for {', '.join(sorted(missing))}")


def check_benchmark(path, record: Mapping) -> None:
    """Raise ContractError unless run time and memory are positive numbers, or NA where Snakemake measured nothing."""
    for name in BENCHMARK_FIELDS:
        require(name in record, path, f"has no {name}")
        value = record[name]
        known = isinstance(value, int | float) and 0 <= value < float("inf")
        require(known or value in ("NA", None), path, f"{name} is {value!r}, not a number of at least 0")


def require(condition: bool, path: str | Path, problem: str) -> None:
    if not condition:
        raise ContractError(f"{path}: {problem}")
