"""The metrics of one embedding: what each needs, when it does not apply, and its value; all but kBET by scib-metrics.

Definitions: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8, as scib-metrics implements them; BRAS: Rautenstrauch
and Ohler 2025, doi 10.1038/s41587-025-02743-4. All values lie in [0, 1], 1 is best. docs/metrics.md explains each.
"""

import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from scbench.metrics.kbet import kbet_per_label
from scbench.metrics.neighbours import nearest_neighbours

N_NEIGHBOURS = {"lisi": 90, "kbet": 50, "graph": 15}
GROUPS = ("bio", "batch", "extra")


class NotApplicableError(Exception):
    """A metric that has no meaning on this data; the message says why."""


@dataclass(frozen=True)
class Scored:
    """One embedding beside what it is judged by.

    Attributes
    ----------
    X
        (n_cells, n_dims) the embedding.
    pca
        (n_cells, n_pcs) principal components before integration.
    batch, labels
        (n_cells,) strings; labels are empty where the data set has none.
    """

    X: np.ndarray
    pca: np.ndarray
    batch: np.ndarray
    labels: np.ndarray

    @cached_property
    def search(self) -> tuple[np.ndarray, np.ndarray]:
        return nearest_neighbours(self.X, min(N_NEIGHBOURS["lisi"], len(self.X)))

    def neighbours(self, k: int):
        """The first `k` neighbours of the one search, as scib-metrics wants them."""
        from scib_metrics.nearest_neighbors import NeighborsResults

        indices, distances = self.search
        return NeighborsResults(indices=indices[:, :k], distances=distances[:, :k])

    @cached_property
    def graph(self):
        """The neighbours whose graph weights are computed once for all metrics."""
        return self.neighbours(N_NEIGHBOURS["graph"])

    @cached_property
    def leiden_best(self) -> dict[str, float]:
        return _scib().nmi_ari_cluster_labels_leiden(self.graph, self.labels)

    @cached_property
    def leiden_r1(self) -> dict[str, float]:
        return _scib().nmi_ari_cluster_labels_leiden(self.graph, self.labels, optimize_resolution=False, resolution=1.0)


@dataclass(frozen=True)
class Metric:
    """A metric: its value for a `Scored`, and whether it needs cell types or several batches."""

    value: Callable[[Scored], float]
    labels: bool = False
    batches: bool = False


def isolated_labels(scored: Scored) -> float:
    """Silhouette of the cell types found in the fewest batches; not applicable when all types are in all batches."""
    per_label = pd.Series(scored.batch).groupby(scored.labels).nunique()
    if per_label.min() == len(np.unique(scored.batch)):
        raise NotApplicableError("every cell type is in every batch")
    return _scib().isolated_labels(scored.X, scored.labels, scored.batch)


def kbet(scored: Scored) -> float:
    """kBET acceptance rate per cell type, mean over the types that can be tested."""
    _need_shared_label(scored)
    graph = scored.neighbours(N_NEIGHBOURS["kbet"]).knn_graph_connectivities
    return float(kbet_per_label(graph, scored.batch, scored.labels).mean())


def bras(scored: Scored) -> float:
    """Batch removal adapted silhouette: of batches within a cell type, against all other batches, cosine."""
    _need_shared_label(scored)
    return _scib().bras(scored.X, scored.labels, scored.batch)


METRICS: dict[str, Metric] = {
    "nmi_leiden_best": Metric(lambda s: s.leiden_best["nmi"], labels=True),
    "ari_leiden_best": Metric(lambda s: s.leiden_best["ari"], labels=True),
    "nmi_leiden_r1": Metric(lambda s: s.leiden_r1["nmi"], labels=True),
    "ari_leiden_r1": Metric(lambda s: s.leiden_r1["ari"], labels=True),
    "silhouette_cell_type": Metric(lambda s: _scib().silhouette_label(s.X, s.labels), labels=True),
    "isolated_labels": Metric(isolated_labels, labels=True, batches=True),
    "clisi": Metric(lambda s: _scib().clisi_knn(s.neighbours(N_NEIGHBOURS["lisi"]), s.labels), labels=True),
    "ilisi": Metric(lambda s: _scib().ilisi_knn(s.neighbours(N_NEIGHBOURS["lisi"]), s.batch), batches=True),
    "kbet": Metric(kbet, labels=True, batches=True),
    "graph_connectivity": Metric(lambda s: _scib().graph_connectivity(s.graph, s.labels), labels=True),
    "pcr_comparison": Metric(
        lambda s: _scib().pcr_comparison(s.pca, s.X, s.batch, categorical=True),
        batches=True,
    ),
    "bras": Metric(bras, labels=True, batches=True),
}


def score_embedding(
    embedding: np.ndarray,
    *,
    pca: np.ndarray,
    batch: np.ndarray,
    labels: np.ndarray,
    metrics: Mapping[str, list[str]],
    cache: str | None = None,
) -> pd.DataFrame:
    """Compute the metrics listed under bio, batch and extra.

    Parameters
    ----------
    embedding, pca, batch, labels
        See `Scored`.
    cache
        Folder that keeps compiled code for the next process.

    Returns
    -------
    Table metric, group, value, status, reason: one row per metric, in the order asked for. A metric without meaning on
    this data is not_applicable, one that raises is failed (its traceback is printed); neither has a value.
    """
    _prepare_jax(cache)
    scored = Scored(X=embedding, pca=pca, batch=batch.astype(str), labels=labels.astype(str))
    rows = [(name, group, *_value(name, scored)) for group in GROUPS for name in metrics[group]]
    return pd.DataFrame(rows, columns=["metric", "group", "value", "status", "reason"])


def _value(name: str, scored: Scored) -> tuple[float | None, str, str]:
    metric = METRICS[name]
    try:
        if metric.labels and (scored.labels == "").any():
            raise NotApplicableError("the data set has no cell types")
        if metric.labels and len(np.unique(scored.labels)) == 1:
            raise NotApplicableError("there is one cell type only")
        if metric.batches and len(np.unique(scored.batch)) == 1:
            raise NotApplicableError("there is one batch only")
        value = float(metric.value(scored))
        if not np.isfinite(value):
            raise ArithmeticError(f"the value is {value}")
        return value, "ok", ""
    except NotApplicableError as reason:
        return None, "not_applicable", str(reason)
    except Exception as error:
        traceback.print_exc()
        return None, "failed", f"{type(error).__name__}: {error}"


def _need_shared_label(scored: Scored) -> None:
    per_label = pd.Series(scored.batch).groupby(scored.labels).agg(["nunique", "size"])
    if not ((per_label["nunique"] > 1) & (per_label["size"] >= 10)).any():
        raise NotApplicableError("no cell type of at least 10 cells is in several batches")


def _prepare_jax(cache: str | None) -> None:
    """Let JAX compute with one thread, which gives the same bits each time, and keep what it compiles in `cache`.

    Must come before its first use in the process.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_multi_thread_eigen" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false"
    if cache:
        import jax

        os.makedirs(cache, exist_ok=True)
        jax.config.update("jax_compilation_cache_dir", os.path.abspath(cache))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _scib():
    import scib_metrics

    return scib_metrics
