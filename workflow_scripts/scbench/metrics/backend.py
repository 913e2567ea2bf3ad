"""Scores by scib-metrics (YosefLab), for the metrics that it has, with the agreement recorded beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from scbench.metrics.scored import Scored


def by_scib_metrics(scores: pd.DataFrame, scored: Scored) -> pd.DataFrame:
    """Replace the scores that scib-metrics also has by those of scib-metrics.

    Both use the neighbours of `scored`. `implementation` names the function of scib-metrics, its version and the value
    of this project. Scores that are not applicable or failed stay as they are.

    Parameters
    ----------
    scores
        Table of `suite.score_embedding`.

    Raises
    ------
    ModuleNotFoundError
        If scib-metrics is not installed.
    """
    try:
        installed = version("scib-metrics")
    except PackageNotFoundError:
        raise ModuleNotFoundError(
            "metrics.backend: scib-metrics is not installed where scores are computed; run pip install "
            "scib-metrics there, or set metrics.backend to native"
        ) from None
    import scib_metrics

    scores = scores.copy()
    for row in scores.index[(scores["status"] == "ok") & scores["metric"].isin(OF_SCIB_METRICS)]:
        name, function = OF_SCIB_METRICS[scores.at[row, "metric"]]
        value = float(function(scib_metrics, scored))
        ours = scores.at[row, "value"]
        scores.at[row, "value"] = value
        scores.at[row, "implementation"] = (
            f"scib_metrics.{name} {installed}; native {ours:.6f}, difference {abs(value - ours):.1e}"
        )
    return scores


def _near(scored: Scored, k: int):
    from scib_metrics.nearest_neighbors import NeighborsResults

    indices, distances = scored.nearest
    return NeighborsResults(indices=indices[:, :k], distances=distances[:, :k])


def _leiden(module: Any, scored: Scored) -> dict[str, float]:
    return module.nmi_ari_cluster_labels_leiden(_near(scored, 15), scored.labels, optimize_resolution=True)


def _leiden_r1(module: Any, scored: Scored) -> dict[str, float]:
    options = {"optimize_resolution": False, "resolution": 1.0}
    return module.nmi_ari_cluster_labels_leiden(_near(scored, 15), scored.labels, **options)


def _kmeans(module: Any, scored: Scored) -> dict[str, float]:
    return module.nmi_ari_cluster_labels_kmeans(scored.X, scored.labels)


LEIDEN, KMEANS = "nmi_ari_cluster_labels_leiden", "nmi_ari_cluster_labels_kmeans"
OF_SCIB_METRICS: Mapping[str, tuple[str, Callable[[Any, Scored], float | np.ndarray]]] = {
    "nmi_leiden_best": (LEIDEN, lambda module, scored: _leiden(module, scored)["nmi"]),
    "ari_leiden_best": (LEIDEN, lambda module, scored: _leiden(module, scored)["ari"]),
    "nmi_leiden_r1": (LEIDEN, lambda module, scored: _leiden_r1(module, scored)["nmi"]),
    "ari_leiden_r1": (LEIDEN, lambda module, scored: _leiden_r1(module, scored)["ari"]),
    "nmi_kmeans": (KMEANS, lambda module, scored: _kmeans(module, scored)["nmi"]),
    "ari_kmeans": (KMEANS, lambda module, scored: _kmeans(module, scored)["ari"]),
    "silhouette_cell_type": ("silhouette_label", lambda module, s: module.silhouette_label(s.X, s.labels)),
    "isolated_labels": ("isolated_labels", lambda module, s: module.isolated_labels(s.X, s.labels, s.batch)),
    "clisi": ("clisi_knn", lambda module, s: module.clisi_knn(_near(s, 90), s.labels)),
    "ilisi": ("ilisi_knn", lambda module, s: module.ilisi_knn(_near(s, 90), s.batch)),
    "kbet": ("kbet_per_label", lambda module, s: module.kbet_per_label(_near(s, 50), s.batch, s.labels)),
    "graph_connectivity": ("graph_connectivity", lambda module, s: module.graph_connectivity(_near(s, 15), s.labels)),
    "pcr_comparison": (
        "pcr_comparison",
        lambda module, s: module.pcr_comparison(s.pca, s.X, s.batch, categorical=True),
    ),
    "silhouette_batch": ("silhouette_batch", lambda module, s: module.silhouette_batch(s.X, s.labels, s.batch)),
    "bras": ("bras", lambda module, s: module.bras(s.X, s.labels, s.batch)),
}
