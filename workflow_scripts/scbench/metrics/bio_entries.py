"""The metrics of biology in the catalogue, and what metrics need; the standard library only, see `catalogue`."""

from __future__ import annotations

from scbench.metrics.metric import Metric, Need

LABELS: frozenset[Need] = frozenset({"labels"})
BATCHES: frozenset[Need] = frozenset({"batches"})
ISOLATED: frozenset[Need] = LABELS | BATCHES | {"isolated_types"}
CLUSTERS: frozenset[Need] = LABELS | {"clusters"}
CELL_CYCLE: frozenset[Need] = frozenset({"cell_cycle"})
EXPRESSION: frozenset[Need] = frozenset({"expression"})
BATCH_PCA: frozenset[Need] = frozenset({"batch_pca"})
PSEUDOTIME: frozenset[Need] = frozenset({"pseudotime"})
FAISS = ("faiss-cpu",)
LEIDEN = ("igraph", "faiss-cpu")
SCIPY = ("scipy", "faiss-cpu")

BIO_ENTRIES = (
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
        id="purity",
        label="kNN purity",
        group="bio",
        function="scbench.metrics.transfer:knn_purity",
        arguments={"indices": "indices_15"},
        needs=LABELS,
        packages=FAISS,
    ),
    Metric(
        id="label_transfer",
        label="Label transfer",
        group="bio",
        function="scbench.metrics.transfer:label_transfer",
        arguments={"X": "points"},
        needs=LABELS | BATCHES,
        packages=FAISS,
    ),
    Metric(
        id="scgraph",
        label="scGraph",
        group="bio",
        function="scbench.metrics.geometry:scgraph",
        needs=LABELS | BATCH_PCA,
    ),
    Metric(
        id="within_type_conservation",
        label="Within-type conservation",
        group="bio",
        function="scbench.metrics.geometry:within_type_conservation",
        needs=LABELS,
        packages=("scipy",),
    ),
    Metric(
        id="trajectory_conservation",
        label="Trajectory",
        group="bio",
        function="scbench.metrics.geometry:trajectory_conservation",
        arguments={"connectivities": "connectivities_15"},
        needs=PSEUDOTIME,
        packages=SCIPY,
    ),
    Metric(
        id="morans_i",
        label="Moran's I",
        group="bio",
        function="scbench.metrics.expression:morans_i",
        arguments={"connectivities": "connectivities_15"},
        needs=EXPRESSION,
        packages=SCIPY,
    ),
    Metric(
        id="silhouette_clusters",
        label="Silhouette clusters",
        group="bio",
        function="scbench.metrics.silhouette:silhouette_clusters",
        arguments={"clusterings": "leiden_r1"},
        is_silhouette=True,
        packages=LEIDEN,
    ),
)
