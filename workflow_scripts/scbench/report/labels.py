"""Display names of metrics and groups in tables and figures."""

from scbench.metrics.catalogue import METRICS

GROUP_LABELS = {
    "bio": "Bio conservation",
    "batch": "Batch correction",
    "extra": "Further metrics",
    "total": "Total",
    "total_robust": "Robust total",
    "no_silhouette_total": "Total without silhouettes",
    "equal_total": "Total 0.5 / 0.5",
    "scaled_total": "Scaled total",
    "min_max_total": "Scaled total (min-max over methods)",
    "n_datasets": "Datasets",
    "rank": "Rank",
    "rank_robust": "Robust rank",
}

APART_HEADINGS = {
    "supervised": "Given the cell types, not ranked",
    "ablation": "Ablations, not ranked",
    "control": "Controls",
}

MISSING = "\u2013"  # an en dash for missing values


def label(name: str) -> str:
    """Return the display name of a metric or a total, or the id if it has none."""
    return METRICS[name].label if name in METRICS else GROUP_LABELS.get(name, name)
