"""The catalogue of metrics.

To add a metric, write a function in a module of this folder, an entry here and a test. The validation of the
configuration, the scores, the labels in tables and figures, and docs/reference/metrics.md use the entry. This module
imports the standard library only, because the Snakemake process loads it and has no scipy.
"""

from __future__ import annotations

from scbench.metrics.metric import Metric, Need

LABELS: frozenset[Need] = frozenset({"labels"})
BATCHES: frozenset[Need] = frozenset({"batches"})
ISOLATED: frozenset[Need] = LABELS | BATCHES | {"isolated_types"}
CLUSTERS: frozenset[Need] = LABELS | {"clusters"}
CELL_CYCLE: frozenset[Need] = frozenset({"cell_cycle"})
FAISS = ("faiss-cpu",)
LEIDEN = ("igraph", "faiss-cpu")
SCIPY = ("scipy", "faiss-cpu")

ENTRIES = (
    Metric(
        id="nmi_leiden_best",
        label="NMI",
        group="bio",
        function="scbench.metrics.clustering:mean_nmi",
        arguments={"clusterings": "leiden_best"},
        needs=LABELS,
        packages=LEIDEN,
    ),
    Metric(
        id="nmi_leiden_r1",
        label="NMI (res 1)",
        group="bio",
        function="scbench.metrics.clustering:mean_nmi",
        arguments={"clusterings": "leiden_r1"},
        needs=LABELS,
        packages=LEIDEN,
    ),
    Metric(
        id="nmi_kmeans",
        label="NMI (k-means)",
        group="bio",
        function="scbench.metrics.clustering:nmi",
        arguments={"clusters": "kmeans"},
        needs=LABELS,
        packages=FAISS,
    ),
    Metric(
        id="nmi_own",
        label="NMI (own clusters)",
        group="bio",
        function="scbench.metrics.clustering:nmi",
        needs=CLUSTERS,
    ),
    Metric(
        id="ari_leiden_best",
        label="ARI",
        group="bio",
        function="scbench.metrics.clustering:mean_ari",
        arguments={"clusterings": "leiden_best"},
        needs=LABELS,
        packages=LEIDEN,
    ),
    Metric(
        id="ari_leiden_r1",
        label="ARI (res 1)",
        group="bio",
        function="scbench.metrics.clustering:mean_ari",
        arguments={"clusterings": "leiden_r1"},
        needs=LABELS,
        packages=LEIDEN,
    ),
    Metric(
        id="ari_kmeans",
        label="ARI (k-means)",
        group="bio",
        function="scbench.graphs.agreement:ari",
        arguments={"clusters": "kmeans"},
        needs=LABELS,
        packages=FAISS,
    ),
    Metric(
        id="ari_own",
        label="ARI (own clusters)",
        group="bio",
        function="scbench.graphs.agreement:ari",
        needs=CLUSTERS,
    ),
    Metric(
        id="silhouette_cell_type",
        label="Silhouette cell type",
        group="bio",
        function="scbench.metrics.silhouette:silhouette_cell_type",
        needs=LABELS,
        is_silhouette=True,
    ),
    Metric(
        id="isolated_labels",
        label="Isolated labels",
        group="bio",
        function="scbench.metrics.silhouette:isolated_labels",
        needs=ISOLATED,
        is_silhouette=True,
    ),
    Metric(
        id="isolated_labels_f1",
        label="Isolated labels F1",
        group="bio",
        function="scbench.metrics.clustering:isolated_labels_f1",
        needs=ISOLATED,
        packages=LEIDEN,
    ),
    Metric(
        id="clisi",
        label="cLISI",
        group="bio",
        function="scbench.metrics.lisi:clisi",
        needs=LABELS,
        packages=FAISS,
    ),
    Metric(
        id="cell_cycle_conservation",
        label="Cell cycle",
        group="bio",
        function="scbench.metrics.regression:cell_cycle_conservation",
        needs=CELL_CYCLE,
    ),
    Metric(
        id="trustworthiness",
        label="Trustworthiness",
        group="bio",
        function="scbench.metrics.structure:trustworthiness",
        packages=FAISS,
    ),
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
        needs=LABELS,
        packages=SCIPY,
    ),
    Metric(
        id="graph_connectivity_directed",
        label="Directed graph connectivity",
        group="batch",
        function="scbench.metrics.structure:graph_connectivity_directed",
        arguments={"indices": "indices_15"},
        needs=LABELS,
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
)
METRICS: dict[str, Metric] = {entry.id: entry for entry in ENTRIES}
