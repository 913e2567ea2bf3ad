"""Compute the metrics of one embedding: the value, or why there is none, and the implementation."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from scbench.checks import BY_TYPE_COLUMNS, CONDITION, LABEL_PREFIX, LEVEL_COLUMNS, SCORE_COLUMNS
from scbench.metrics.backend import by_scib_metrics
from scbench.metrics.by_type import by_type, cell_scores
from scbench.metrics.canonical import bounded, canonical_order
from scbench.metrics.catalogue import METRICS
from scbench.metrics.errors import NotApplicableError
from scbench.metrics.metric import GROUPS, NEEDS, Metric
from scbench.metrics.scored import Scored
from scbench.prepared import cell_cycle_phases
from scbench.provenance import code_digest, package_versions

if TYPE_CHECKING:
    from anndata import AnnData

    from scbench.types import Graph

MIN_CELLS = 10
N_GENES = 500  # for metrics of expression
COLUMNS = {"scores": SCORE_COLUMNS, "levels": LEVEL_COLUMNS, "by_type": BY_TYPE_COLUMNS}


def score_embedding(
    embedding: np.ndarray,
    *,
    pca: np.ndarray,
    batch: np.ndarray,
    labels: np.ndarray,
    metrics: Mapping[str, list[str]],
    graph: Graph | None = None,
    threads: int = 1,
    **known: np.ndarray | sparse.csr_matrix | None,
) -> pd.DataFrame:
    """Compute the metrics listed under bio, batch and extra.

    The embedding is first scaled, outliers are pulled in, and the cells are sorted into an order that depends on the
    data alone (`scbench.metrics.canonical`), so that no score depends on the order of the cells in the dataset or on
    the names of its groups, not even through clusterings and random samples.

    Parameters
    ----------
    embedding, pca, batch, labels, graph
        See `Scored`.
    known
        What else is known of the cells, by its name in `Scored`: clusters, phases, expression, batch_pca, pseudotime,
        condition.

    Returns
    -------
    Table with the columns metric, group, value, status, reason, implementation: one row per metric, in the requested
    order. The status of a metric is not_applicable if it is not applicable to this data, and failed if it raises an
    exception (the traceback is printed); in both cases it has no value.
    """
    scored, _ = _in_order(embedding, pca, batch, labels, graph, **known)
    with _limited(metrics, threads):
        return _scores(scored, metrics)


def score_run(
    X: np.ndarray,
    clusters: np.ndarray | None,
    adata: AnnData,
    truth: pd.DataFrame,
    *,
    dataset: str,
    method: str,
    seed: int,
    metrics: Mapping[str, list[str]],
    graph: Graph | None = None,
    threads: int = 1,
    backend: str = "native",
) -> dict[str, pd.DataFrame]:
    """Score the embedding of one run.

    Parameters
    ----------
    X, clusters
        (n_cells, n_dims) embedding; (n_cells,) clusters of the method, or None.
    adata, truth
        The prepared dataset, and its batches, cell types and conditions (see `read_truth`), rows as in `X`.
    metrics, graph
        See `score_embedding`. On a null split, where there is nothing to correct, all are in the group extra, so that
        the dataset has no total.
    backend
        native | scib-metrics, see `backend.by_scib_metrics`.

    Returns
    -------
    {file: table}: scores, levels and by_type, with the columns of the files of these names.
    """
    scored, order = _in_order(
        X,
        adata.obsm["X_pca"],
        truth["batch"].to_numpy(),
        truth["cell_type"].to_numpy(),
        graph,
        clusters=clusters,
        **_known(adata, truth),
    )
    if adata.uns.get("null_split", False):
        scored = replace(scored, null_split=True)
        metrics = {"bio": [], "batch": [], "extra": list(chain(*(metrics[group] for group in GROUPS)))}
    with _limited(metrics, threads):
        levels = {
            name: _by_backend(found, level, backend)
            for name, level, found in _levels(scored, truth.iloc[order], metrics)
        }
        scores = next(iter(levels.values()))
        tables = {"scores": scores, "by_type": by_type(scored, set(scores.loc[scores["status"] == "ok", "metric"]))}
    several = [found.assign(labels=name) for name, found in levels.items() if name]
    tables["levels"] = pd.concat(several or [scores[:0].assign(labels="")], ignore_index=True)
    run = {"dataset": dataset, "method": method, "seed": seed}
    return {name: tables[name].assign(**run)[columns] for name, columns in COLUMNS.items()}


def score_cells(
    X: np.ndarray, adata: AnnData, truth: pd.DataFrame, graph: Graph | None = None, *, threads: int = 1
) -> pd.DataFrame:
    """Return iLISI, cLISI, CiLISI and purity of every cell, rows as in `X`; see `scbench.metrics.by_type.cell_scores`.

    Parameters
    ----------
    X, adata, truth, graph
        See `score_run`.
    """
    batch, labels = truth["batch"].to_numpy(), truth["cell_type"].to_numpy()
    scored, order = _in_order(X, adata.obsm["X_pca"], batch, labels, graph)
    with _limited({"bio": ["clisi"], "batch": ["ilisi", "cilisi"], "extra": []}, threads):
        values = pd.DataFrame(cell_scores(scored, ["ilisi", "clisi"]))
    return values.set_index(order).sort_index().set_axis(adata.obs_names)


def _by_backend(native: pd.DataFrame, scored: Scored, backend: str) -> pd.DataFrame:
    return by_scib_metrics(native, scored) if backend == "scib-metrics" else native


def _levels(
    scored: Scored, truth: pd.DataFrame, metrics: Mapping[str, list[str]]
) -> Iterator[tuple[str, Scored, pd.DataFrame]]:
    """Yield name, cells and scores for each level of cell types; a single level has no name."""
    scores = _scores(scored, metrics)
    first, *further = [column for column in truth if column.startswith(LABEL_PREFIX)] or [""]
    yield first.removeprefix(LABEL_PREFIX), scored, scores
    for column in further:
        level = scored.with_labels(truth[column].to_numpy().astype(str))
        yield column.removeprefix(LABEL_PREFIX), level, _scores(level, metrics, known=scores)


def _known(adata: AnnData, truth: pd.DataFrame) -> dict[str, np.ndarray | sparse.csr_matrix | None]:
    """Return what a prepared dataset and its truth say of the cells, by the names in `Scored`."""
    return {
        "phases": cell_cycle_phases(adata),
        "expression": adata.X[:, (adata.var["highly_variable_rank"] < N_GENES).to_numpy()],
        "batch_pca": adata.obsm.get("X_pca_batch"),
        "pseudotime": adata.obs["pseudotime"].to_numpy(float) if "pseudotime" in adata.obs else None,
        "condition": truth[CONDITION].to_numpy().astype(str) if CONDITION in truth else None,
    }


def _in_order(X, pca, batch, labels, graph, **known) -> tuple[Scored, np.ndarray]:
    """Return the cells in canonical order, at a common scale, and their indices in this order."""
    X, pca = bounded(X), bounded(pca)
    order = canonical_order(X, pca, batch, labels)
    in_order: dict[str, Any] = {name: None if values is None else values[order] for name, values in known.items()}
    scored = Scored(
        embedding=X[order],
        pca=pca[order],
        batch=batch[order].astype(str),
        labels=labels[order].astype(str),
        graph=None if graph is None else graph.ordered(order),
        **in_order,
    )
    return scored, order


@contextmanager
def _limited(metrics: Mapping[str, list[str]], threads: int) -> Iterator[None]:
    """Limit the threads of all libraries; those of the metrics are loaded first, because others are not limited."""
    import faiss  # noqa: F401

    for name in chain(*(metrics[group] for group in GROUPS)):
        METRICS[name].load()
    with threadpool_limits(threads):
        yield


def _scores(scored: Scored, metrics: Mapping[str, list[str]], known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the table of scores; metrics that do not need cell types are taken from `known`, if given."""
    columns = ["metric", "group", "value", "status", "reason", "implementation"]
    rows = {} if known is None else {row.metric: row for row in known[columns].itertuples(index=False)}
    rows = {name: row for name, row in rows.items() if "labels" not in METRICS[name].needs}
    for group in GROUPS:
        for name in metrics[group]:
            if name not in rows:
                rows[name] = (name, group, *_value(METRICS[name], scored), implementation(METRICS[name]))
    return pd.DataFrame([rows[name] for group in GROUPS for name in metrics[group]], columns=columns)


def argument_names(metric: Metric, function: Callable[..., float]) -> dict[str, str]:
    """Return {parameter of the function: attribute of `Scored`} for the parameters without a default."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: metric.arguments.get(p.name, p.name) for p in parameters if p.default is p.empty}


def implementation(metric: Metric) -> str:
    """Return the function, the digest of the code behind its value and the package versions."""
    digest = code_digest(metric.function, "scbench.metrics.scored:Scored")[:8]
    versions = package_versions("numpy", *metric.packages)
    used = " ".join(f"{name} {version}" for name, version in versions.items())
    return f"{metric.function.replace(':', '.')} {digest}; {used}"


def _value(metric: Metric, scored: Scored) -> tuple[float | None, str, str]:
    try:
        if len(scored.batch) < MIN_CELLS:
            raise NotApplicableError(f"{len(scored.batch)} cells are too few; {MIN_CELLS} are needed")
        for need in NEEDS:
            if need in metric.needs and (why := scored.reason_against(need)):
                raise NotApplicableError(why)
        function = metric.load()
        arguments = {name: getattr(scored, given) for name, given in argument_names(metric, function).items()}
        value = float(function(**arguments))
        if not np.isfinite(value):
            raise ArithmeticError(f"the value is {value}")
        return value, "ok", ""
    except NotApplicableError as reason:
        return None, "not_applicable", str(reason)
    except Exception as error:
        traceback.print_exc()
        return None, "failed", f"{type(error).__name__}: {error}"
