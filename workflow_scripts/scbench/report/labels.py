"""How metrics and groups are called in tables and figures."""

METRIC_LABELS = {
    "nmi_leiden_best": "NMI",
    "ari_leiden_best": "ARI",
    "nmi_leiden_r1": "NMI (res 1)",
    "ari_leiden_r1": "ARI (res 1)",
    "nmi_kmeans": "NMI (k-means)",
    "ari_kmeans": "ARI (k-means)",
    "nmi_own": "NMI (own clusters)",
    "ari_own": "ARI (own clusters)",
    "silhouette_cell_type": "Silhouette cell type",
    "isolated_labels": "Isolated labels",
    "isolated_labels_f1": "Isolated labels F1",
    "clisi": "cLISI",
    "cell_cycle_conservation": "Cell cycle",
    "trustworthiness": "Trustworthiness",
    "ilisi": "iLISI",
    "cilisi": "CiLISI",
    "kbet": "kBET",
    "graph_connectivity": "Graph connectivity",
    "pcr_comparison": "PCR comparison",
    "silhouette_batch": "Silhouette batch",
    "bras": "BRAS",
    "batch_classifier": "Batch classifier",
}
GROUP_LABELS = {
    "bio": "Bio conservation",
    "batch": "Batch correction",
    "extra": "Further metrics",
    "total": "Total",
    "no_silhouette_total": "Total without silhouettes",
    "equal_total": "Total 0.5 / 0.5",
    "scaled_total": "Scaled total",
    "min_max_total": "Scaled total (min-max over methods)",
    "n_datasets": "Data sets",
    "rank": "Rank",
}

APART_HEADINGS = {"supervised": "Given the cell types, not ranked", "control": "Controls"}

MISSING = "\u2013"  # an en dash, where there is no value


def label(name: str) -> str:
    """Return the display name of a metric or a total, the id itself where there is none."""
    return METRIC_LABELS.get(name) or GROUP_LABELS.get(name, name)
