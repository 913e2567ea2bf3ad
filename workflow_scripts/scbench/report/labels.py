"""How metrics and groups are called in tables and figures."""

METRIC_LABELS = {
    "nmi_leiden_best": "NMI",
    "ari_leiden_best": "ARI",
    "nmi_leiden_r1": "NMI (res 1)",
    "ari_leiden_r1": "ARI (res 1)",
    "silhouette_cell_type": "Silhouette cell type",
    "isolated_labels": "Isolated labels",
    "clisi": "cLISI",
    "ilisi": "iLISI",
    "kbet": "kBET",
    "graph_connectivity": "Graph connectivity",
    "pcr_comparison": "PCR comparison",
    "bras": "BRAS",
}
GROUP_LABELS = {
    "bio": "Bio conservation",
    "batch": "Batch correction",
    "extra": "Further metrics",
    "total": "Total",
    "scaled_total": "Scaled total",
    "n_datasets": "Data sets",
    "rank": "Rank",
}

APART_HEADINGS = {"supervised": "Given the cell types, not ranked", "control": "Controls"}

MISSING = "\u2013"  # an en dash, where there is no value


def label(name: str) -> str:
    """Return the display name of a metric or a total, the id itself where there is none."""
    return METRIC_LABELS.get(name) or GROUP_LABELS.get(name, name)
