"""The metrics of one embedding: what each needs, when it does not apply, its value and what computed it."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from scbench.graphs import agreement
from scbench.graphs.connectivities import connectivities
from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.metrics import clustering, diagnostics, kbet, lisi, regression, silhouette, structure
from scbench.metrics.errors import NotApplicableError
from scbench.provenance import code_digest, package_versions
from scbench.seeding import generator

N_NEIGHBOURS = {"lisi": lisi.N_NEIGHBOURS, "kbet": 50, "graph": structure.N_NEIGHBOURS}
MIN_CELLS = 10
JITTER = 1e-3  # of the standard deviation; less is lost in single precision
GROUPS = ("bio", "batch", "extra")


@dataclass(frozen=True)
class Scored:
    """One embedding beside what it is judged by; what several metrics need is computed once.

    Attributes
    ----------
    X
        (n_cells, n_dims) the embedding, in `canonical_order`.
    pca
        (n_cells, n_pcs) principal components before integration.
    batch, labels
        (n_cells,) strings; labels are empty where the data set has none.
    clusters
        (n_cells,) the method's own clusters, if it makes any.
    phases
        (n_cells, 2) scores of the S and the G2/M phase, if the genes allow them.
    """

    X: np.ndarray
    pca: np.ndarray
    batch: np.ndarray
    labels: np.ndarray
    clusters: np.ndarray | None = None
    phases: np.ndarray | None = None

    @cached_property
    def points(self) -> np.ndarray:
        """The embedding with cells at one and the same place moved apart a little, so that they have neighbours."""
        same = (self.X[1:] == self.X[:-1]).all(axis=1)  # equal rows stand behind each other
        moved = np.flatnonzero(np.append(same, False) | np.append(False, same))
        points = self.X.astype(np.float64) - self.X.mean(axis=0, dtype=np.float64)
        noise = generator(0, "points").standard_normal((len(moved), points.shape[1]))
        points[moved] += JITTER * (points.std() or 1.0) * noise
        return points

    @cached_property
    def search(self) -> tuple[np.ndarray, np.ndarray]:
        return nearest_of_each_cell(self.points, min(N_NEIGHBOURS["lisi"], len(self.X)))

    @cached_property
    def lisi_weights(self) -> np.ndarray:
        return lisi.neighbour_weights(self.search[1])

    def graph(self, name: str) -> sparse.csr_matrix:
        """The weighted graph of the first neighbours of the one search."""
        indices, distances = (found[:, : N_NEIGHBOURS[name]] for found in self.search)
        return connectivities(indices, distances)

    @cached_property
    def leiden(self) -> clustering.LeidenGrid:
        return clustering.LeidenGrid(self.graph("graph"))

    @cached_property
    def leiden_best(self) -> np.ndarray:
        return self.leiden.best(self.labels)

    @cached_property
    def kmeans(self) -> np.ndarray:
        return clustering.kmeans(self.X, len(np.unique(self.labels)))

    @property
    def own(self) -> np.ndarray:
        if self.clusters is None:
            raise NotApplicableError("the method makes no clusters of its own")
        return self.clusters

    @cached_property
    def widths(self) -> np.ndarray:
        return silhouette.silhouette_widths(self.X, self.labels)


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes
    ----------
    function
        The pure function whose docstring defines it.
    value
        Calls it on a `Scored`.
    labels, batches
        Whether it needs several cell types, several batches.
    packages
        What beside numpy computes it.
    """

    function: Callable[..., float]
    value: Callable[[Scored], float]
    labels: bool = False
    batches: bool = False
    packages: tuple[str, ...] = ()

    @property
    def implementation(self) -> str:
        """Module and function, digest of their code and of all they use of ours, and versions of the packages."""
        module = self.function.__module__
        digest = code_digest(f"{module.replace('.', '/')}.py")[:8]
        versions = package_versions("numpy", *self.packages)
        used = " ".join(f"{name} {version}" for name, version in versions.items())
        return f"{module}.{self.function.__name__} {digest}; {used}"


def isolated_labels(scored: Scored) -> float:
    _need_isolated(scored)
    return silhouette.isolated_labels(scored.widths, scored.labels, scored.batch)


def isolated_labels_f1(scored: Scored) -> float:
    _need_isolated(scored)
    return clustering.isolated_labels_f1(scored.labels, scored.batch, scored.leiden.all())


def cell_cycle_conservation(scored: Scored) -> float:
    if scored.phases is None:
        raise NotApplicableError("the data set has no cell cycle scores; they need real gene symbols")
    return regression.cell_cycle_conservation(scored.pca, scored.X, scored.phases, scored.batch)


def _agreement(clusters: Callable[[Scored], np.ndarray], *packages: str) -> tuple[Metric, Metric]:
    def metric(function) -> Metric:
        return Metric(function, lambda s: function(s.labels, clusters(s)), labels=True, packages=packages)

    return metric(clustering.nmi), metric(agreement.ari)


CLUSTERINGS = {
    "leiden_best": _agreement(lambda s: s.leiden_best, "igraph", "faiss-cpu"),
    "leiden_r1": _agreement(lambda s: s.leiden.at(1.0), "igraph", "faiss-cpu"),
    "kmeans": _agreement(lambda s: s.kmeans, "faiss-cpu"),
    "own": _agreement(lambda s: s.own),
}
METRICS: dict[str, Metric] = {
    **{f"nmi_{name}": nmi for name, (nmi, _) in CLUSTERINGS.items()},
    **{f"ari_{name}": ari for name, (_, ari) in CLUSTERINGS.items()},
    "silhouette_cell_type": Metric(
        silhouette.silhouette_cell_type, lambda s: silhouette.silhouette_cell_type(s.widths), labels=True
    ),
    "isolated_labels": Metric(silhouette.isolated_labels, isolated_labels, labels=True, batches=True),
    "isolated_labels_f1": Metric(
        clustering.isolated_labels_f1,
        isolated_labels_f1,
        labels=True,
        batches=True,
        packages=("igraph", "faiss-cpu"),
    ),
    "clisi": Metric(
        lisi.clisi, lambda s: lisi.clisi(s.search[0], s.lisi_weights, s.labels), labels=True, packages=("faiss-cpu",)
    ),
    "cell_cycle_conservation": Metric(regression.cell_cycle_conservation, cell_cycle_conservation),
    "trustworthiness": Metric(
        structure.trustworthiness,
        lambda s: structure.trustworthiness(s.pca, s.X, s.batch),
        packages=("faiss-cpu",),
    ),
    "ilisi": Metric(
        lisi.ilisi, lambda s: lisi.ilisi(s.search[0], s.lisi_weights, s.batch), batches=True, packages=("faiss-cpu",)
    ),
    "cilisi": Metric(
        lisi.cilisi,
        lambda s: lisi.cilisi(s.points, s.batch, s.labels),
        labels=True,
        batches=True,
        packages=("faiss-cpu",),
    ),
    "kbet": Metric(
        kbet.kbet,
        lambda s: kbet.kbet(s.graph("kbet"), s.batch, s.labels),
        labels=True,
        batches=True,
        packages=("scipy", "faiss-cpu"),
    ),
    "graph_connectivity": Metric(
        structure.graph_connectivity,
        lambda s: structure.graph_connectivity(s.search[0][:, : N_NEIGHBOURS["graph"]], s.labels),
        labels=True,
        packages=("scipy", "faiss-cpu"),
    ),
    "pcr_comparison": Metric(
        regression.pcr_comparison, lambda s: regression.pcr_comparison(s.pca, s.X, s.batch), batches=True
    ),
    "silhouette_batch": Metric(
        silhouette.silhouette_batch,
        lambda s: silhouette.silhouette_batch(s.X, s.batch, s.labels),
        labels=True,
        batches=True,
    ),
    "bras": Metric(silhouette.bras, lambda s: silhouette.bras(s.X, s.batch, s.labels), labels=True, batches=True),
    "batch_classifier": Metric(
        diagnostics.batch_classifier,
        lambda s: diagnostics.batch_classifier(s.search[0], s.batch),
        batches=True,
        packages=("faiss-cpu",),
    ),
}


def score_embedding(
    embedding: np.ndarray,
    *,
    pca: np.ndarray,
    batch: np.ndarray,
    labels: np.ndarray,
    metrics: Mapping[str, list[str]],
    clusters: np.ndarray | None = None,
    phases: np.ndarray | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Compute the metrics listed under bio, batch and extra.

    The cells are first put in an order that depends on the embedding alone, so that no score depends on the order of
    the cells in the data set, not even through clusterings and random samples.

    Parameters
    ----------
    embedding, pca, batch, labels, clusters, phases
        See `Scored`.

    Returns
    -------
    Table metric, group, value, status, reason, implementation: one row per metric, in the order asked for. A metric
    without meaning on this data is not_applicable, one that raises is failed (its traceback is printed); neither has a
    value.
    """
    order = canonical_order(embedding)
    scored = Scored(
        X=embedding[order],
        pca=pca[order],
        batch=batch[order].astype(str),
        labels=labels[order].astype(str),
        clusters=None if clusters is None else clusters[order].astype(str),
        phases=None if phases is None else phases[order],
    )
    import faiss  # noqa: F401  # before the threads of all libraries are limited

    with threadpool_limits(threads):
        rows = [
            (name, group, *_value(name, scored), METRICS[name].implementation)
            for group in GROUPS
            for name in metrics[group]
        ]
    return pd.DataFrame(rows, columns=["metric", "group", "value", "status", "reason", "implementation"])


def canonical_order(X: np.ndarray) -> np.ndarray:
    """Return the order of the rows by their values, equal rows at random: (n_cells,) indices."""
    shuffled = generator(0, "canonical_order").permutation(len(X))
    return shuffled[np.lexsort(X[shuffled].T[::-1])]


def _value(name: str, scored: Scored) -> tuple[float | None, str, str]:
    metric = METRICS[name]
    try:
        if len(scored.X) < MIN_CELLS:
            raise NotApplicableError(f"{len(scored.X)} cells are too few; {MIN_CELLS} are needed")
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


def _need_isolated(scored: Scored) -> None:
    per_label = (agreement.contingency(scored.labels, scored.batch) > 0).sum(axis=1)
    if per_label.min() == len(np.unique(scored.batch)):
        raise NotApplicableError("every cell type is in every batch")
