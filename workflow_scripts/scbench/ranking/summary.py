"""From raw scores to means, intervals, totals and the overall ranking."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from scbench.metrics.catalogue import METRICS
from scbench.ranking.scaling import scale

KEYS = ["dataset", "method", "group", "metric"]
TEXT_COLUMNS = [*KEYS, "scaling", "status", "reason"]
SUMMARY_COLUMNS = [*KEYS, "mean", "sd", "ci_low", "ci_high", "n_seeds", "scaled_mean", "scaling", "status", "reason"]
RANKING_TOTALS = ["bio", "batch", "total", "no_silhouette_total", "equal_total"]
RANKING_COLUMNS = ["method", "kind", "n_datasets", *RANKING_TOTALS, "scaled_total", "rank"]
APART = {"supervised": 1, "control": 2}  # unranked kinds, listed below the others in this order
GROUPS = ["bio", "batch", "extra", "total"]
SILHOUETTES = [metric.id for metric in METRICS.values() if metric.is_silhouette]
EQUAL = {"bio": 0.5, "batch": 0.5}
SEVERITY = ["ok", "not_applicable", "failed"]


def summarise(
    scores: pd.DataFrame, methods: Mapping[str, str], weights: Mapping[str, float], scaling: str = "controls"
) -> pd.DataFrame:
    """Summarise the scores over seeds and compute the totals of bio conservation and batch correction.

    The parts of a group are the metrics with status ok for at least one run on the dataset. A run that lacks one of
    them has no total; if a group has no parts, no run has a total. Totals are computed per seed and then summarised.

    Parameters
    ----------
    scores
        Long table of `checks.SCORE_COLUMNS`; metrics of the group extra are summarised but not part of a total.
    methods
        {method: kind}; methods of the kind "control" are anchors of `scaled_mean`.
    weights
        {"bio": weight, "batch": weight}; a group with weight 0 is not required for the total.
    scaling
        controls | min_max, see `scale`.

    Returns
    -------
    Table of SUMMARY_COLUMNS, one row per dataset, method and metric, and five rows of the group "total": bio, batch,
    total (with the weights), no_silhouette_total (the same without silhouettes), equal_total (0.5 and 0.5). `status` is
    the worst status over the seeds (failed, not_applicable, ok), with the reasons; a total is failed if a part failed.
    `sd` (n - 1) and the 95 % t interval of the mean are empty for a single seed. The scaled totals use the metrics that
    can be scaled on the dataset, and the runs that have a raw total.
    """
    keys = ["dataset", "method", "metric", "seed"]
    ordered = scores.sort_values(keys, ignore_index=True)
    values = ordered[[*keys, "group", "status", "reason"]].assign(
        value=ordered["value"].astype(float).where(ordered["status"] == "ok")
    )
    values["scaled"] = scale(values, methods, scaling)
    totals = [_totals(one, weights) for _, one in values.groupby("dataset")]
    return _over_seeds(pd.concat([values, *totals], ignore_index=True)).assign(scaling=scaling)[SUMMARY_COLUMNS]


def rank(summary: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Rank the methods by their mean total over datasets.

    Each column is a mean over the datasets on which at least one method has a total (or, if there is no total at all,
    on which at least one method has the value). It is empty for a method that lacks one of these datasets, because
    means over different datasets are not comparable.

    Returns
    -------
    Table of RANKING_COLUMNS, one row per method of `kinds`, best first, with the kinds APART last. `n_datasets` is the
    number of datasets on which a method has a total. The kinds APART and methods without an overall total have no rank.
    """
    totals = summary[summary["group"] == "total"]
    with_total = totals.loc[(totals["metric"] == "total") & totals["mean"].notna(), "dataset"].unique()
    if len(with_total):
        totals = totals[totals["dataset"].isin(with_total)]

    def by_dataset(metric: str, column: str) -> pd.DataFrame:
        wide = totals[totals["metric"] == metric].pivot(index="method", columns="dataset", values=column)
        return wide.dropna(axis=1, how="all").reindex(list(kinds))

    ranking = pd.DataFrame({"kind": pd.Series(dict(kinds), dtype=object)})
    ranking["n_datasets"] = by_dataset("total", "mean").notna().sum(axis=1)
    for name in RANKING_TOTALS:
        ranking[name] = by_dataset(name, "mean").mean(axis=1, skipna=False)
    ranking["scaled_total"] = by_dataset("total", "scaled_mean").mean(axis=1, skipna=False)
    ranked = ranking["total"].where(~ranking["kind"].isin(APART))
    ranking["rank"] = ranked.rank(ascending=False, method="min").astype("Int64")
    ranking["apart"] = ranking["kind"].map(APART).fillna(0)
    order = ["apart", "total", "n_datasets", "method"]
    ranking = ranking.rename_axis("method").reset_index()
    return ranking.sort_values(order, ascending=[True, False, False, True], ignore_index=True)[RANKING_COLUMNS]


def _totals(one: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Return the rows of the group "total" for every run on one dataset."""
    raw = _group_means(one, "value", weights)
    scaled = _group_means(one, "scaled", weights).where(raw.notna())
    long = pd.DataFrame(
        {"value": raw.stack(future_stack=True), "scaled": scaled.stack(future_stack=True)}
    ).reset_index()
    failed = one[(one["status"] == "failed") & one["group"].isin(["bio", "batch"])].groupby(["method", "seed"])[
        "metric"
    ]
    broken = long[["method", "seed"]].join(failed.agg(", ".join).rename("broken"), on=["method", "seed"])["broken"]
    missing = long["value"].isna()
    long["status"] = np.select([~missing, broken.notna()], ["ok", "failed"], "not_applicable")
    long["reason"] = np.select([~missing, broken.notna()], ["", "failed: " + broken.fillna("")], "a part is missing")
    return long.assign(dataset=one["dataset"].iloc[0], group="total")


def _group_means(one: pd.DataFrame, column: str, weights: Mapping[str, float]) -> pd.DataFrame:
    """Average the parts of each group per run; return (method, seed) x total."""
    means = {}
    for group in ("bio", "batch"):
        rows = one.assign(part=one[column].where(one["group"] == group))
        parts = rows.pivot(index=["method", "seed"], columns="metric", values="part").dropna(axis=1, how="all")
        means[group] = parts.mean(axis=1, skipna=False)
        means[f"no_silhouette_{group}"] = parts.drop(columns=SILHOUETTES, errors="ignore").mean(axis=1, skipna=False)
    weighted = {
        "total": ("", weights),
        "no_silhouette_total": ("no_silhouette_", weights),
        "equal_total": ("", EQUAL),
    }
    for name, (prefix, shares) in weighted.items():
        means[name] = sum(share * means[prefix + group] for group, share in shares.items() if share > 0)
    return pd.DataFrame({name: means[name] for name in RANKING_TOTALS}).rename_axis(columns="metric")


def _over_seeds(values: pd.DataFrame) -> pd.DataFrame:
    values["group"] = pd.Categorical(values["group"], GROUPS)
    values["severity"] = values["status"].map({status: i for i, status in enumerate(SEVERITY)}).astype(float)
    groups = values.groupby(KEYS, observed=True)
    table = groups.agg(
        mean=("value", "mean"),
        sd=("value", "std"),
        n_seeds=("value", "count"),
        scaled_mean=("scaled", "mean"),
        severity=("severity", "max"),
        reason=("reason", lambda reasons: "; ".join(sorted({text for text in reasons if text}))),
    ).reset_index()
    half = stats.t.ppf(0.975, np.maximum(table["n_seeds"] - 1, 1)) * table["sd"] / np.sqrt(table["n_seeds"])
    status = [SEVERITY[int(severity)] for severity in table["severity"]]
    table = table.assign(ci_low=table["mean"] - half, ci_high=table["mean"] + half, status=status)
    return table.assign(group=table["group"].astype(str))
