"""The catalogue of metrics.

To add a metric, write a function in a module of this folder, an entry here and a test. The validation of the
configuration, the scores, the labels in tables and figures, and docs/reference/metrics.md use the entry. This module
imports the standard library only, because the Snakemake process loads it and has no scipy.
"""

from __future__ import annotations

from scbench.metrics.bio_entries import BATCHES, BIO_ENTRIES, FAISS, LABELS, LEIDEN, SCIPY
from scbench.metrics.metric import Metric, Need

CONDITIONS: frozenset[Need] = frozenset({"conditions"})

ENTRIES = (
    *BIO_ENTRIES,
    Metric(
        id="trustworthiness_above_chance",
        label="Trustworthiness above chance",
        group="bio",
        function="scbench.metrics.label_free:trustworthiness_above_chance",
        packages=FAISS,
    ),
    Metric(
        id="cluster_stability",
        label="Cluster stability",
        group="bio",
        function="scbench.metrics.label_free:cluster_stability",
        arguments={"clusterings": "leiden_r1"},
        packages=LEIDEN,
    ),
    Metric(
        id="ilisi",
        label="iLISI",
        group="batch",
        function="scbench.metrics.lisi:ilisi",
        needs=BATCHES,
        packages=FAISS,
    ),
    Metric(
        id="cilisi",
        label="CiLISI",
        group="batch",
        function="scbench.metrics.lisi:cilisi",
        needs=LABELS | BATCHES,
        packages=FAISS,
    ),
    Metric(
        id="kbet",
        label="kBET",
        group="batch",
        function="scbench.metrics.kbet:kbet",
        needs=LABELS | BATCHES,
        packages=SCIPY,
    ),
    Metric(
        id="graph_connectivity",
        label="Graph connectivity",
        group="batch",
        function="scbench.metrics.structure:graph_connectivity",
        arguments={"indices": "indices_15"},
        needs=LABELS | BATCHES,
        packages=SCIPY,
    ),
    Metric(
        id="graph_connectivity_directed",
        label="Directed graph connectivity",
        group="batch",
        function="scbench.metrics.structure:graph_connectivity_directed",
        arguments={"indices": "indices_15"},
        needs=LABELS | BATCHES,
        packages=SCIPY,
    ),
    Metric(
        id="ilisi_rescaled",
        label="iLISI (rescaled)",
        group="batch",
        function="scbench.metrics.lisi:ilisi_rescaled",
        needs=BATCHES,
        packages=FAISS,
    ),
    Metric(
        id="kni",
        label="KNI",
        group="batch",
        function="scbench.metrics.transfer:kni",
        needs=LABELS | BATCHES,
        packages=FAISS,
    ),
    Metric(
        id="sbee",
        label="sBEE",
        group="batch",
        function="scbench.metrics.sbee:sbee",
        needs=LABELS | BATCHES,
        packages=SCIPY,
    ),
    Metric(
        id="pcr_comparison",
        label="PCR comparison",
        group="batch",
        function="scbench.metrics.regression:pcr_comparison",
        needs=BATCHES,
    ),
    Metric(
        id="silhouette_batch",
        label="Silhouette batch",
        group="batch",
        function="scbench.metrics.silhouette:silhouette_batch",
        needs=LABELS | BATCHES,
        is_silhouette=True,
    ),
    Metric(
        id="bras",
        label="BRAS",
        group="batch",
        function="scbench.metrics.silhouette:bras",
        needs=LABELS | BATCHES,
        is_silhouette=True,
    ),
    Metric(
        id="nmi_leiden_sd",
        label="NMI (sd of seeds)",
        group="extra",
        function="scbench.metrics.clustering:sd_nmi",
        arguments={"clusterings": "leiden_best"},
        needs=LABELS,
        direction="lower",
        packages=LEIDEN,
    ),
    Metric(
        id="ari_leiden_sd",
        label="ARI (sd of seeds)",
        group="extra",
        function="scbench.metrics.clustering:sd_ari",
        arguments={"clusterings": "leiden_best"},
        needs=LABELS,
        direction="lower",
        packages=LEIDEN,
    ),
    Metric(
        id="batch_classifier",
        label="Batch classifier",
        group="extra",
        function="scbench.metrics.diagnostics:batch_classifier",
        needs=BATCHES,
        packages=FAISS,
    ),
    Metric(
        id="condition_purity",
        label="Condition purity",
        group="extra",
        function="scbench.metrics.conditions:condition_purity",
        arguments={"X": "points"},
        needs=LABELS | BATCHES | CONDITIONS,
        packages=FAISS,
    ),
    Metric(
        id="condition_auc",
        label="Condition AUC",
        group="extra",
        function="scbench.metrics.conditions:condition_auc",
        arguments={"X": "points"},
        needs=LABELS | CONDITIONS,
        packages=FAISS,
    ),
    Metric(
        id="neighbours_kept",
        label="Neighbours kept",
        group="extra",
        function="scbench.metrics.calibration:neighbours_kept",
        needs=frozenset({"null_split"}),
        packages=FAISS,
    ),
)
METRICS: dict[str, Metric] = {entry.id: entry for entry in ENTRIES}
