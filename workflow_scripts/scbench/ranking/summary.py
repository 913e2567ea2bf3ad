"""From raw scores to means, intervals, totals and the overall ranking."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from scbench.metrics.catalogue import METRICS
from scbench.ranking.scaling import scale

KEYS = ["dataset", "method", "group", "metric"]
TEXT_COLUMNS = [*KEYS, "scaled_reason", "scaling", "status", "reason"]
SUMMARY_COLUMNS = [
    *[*KEYS, "mean", "sd", "ci_low", "ci_high", "n_seeds", "n_planned"],
    *["scaled_mean", "scaled_reason", "scaling", "status", "reason"],
]
RANKING_TOTALS = ["bio", "batch", "total", "total_robust", "no_silhouette_total", "equal_total"]
RANKS = {"rank": "total", "rank_robust": "total_robust"}
RANKING_COLUMNS = ["method", "kind", "n_datasets", *RANKING_TOTALS, "scaled_total", *RANKS, "note"]
APART = {"supervised": 1, "ablation": 2, "control": 3}  # unranked kinds, listed below the others in this order
GROUPS = ["bio", "batch", "extra", "total"]
SILHOUETTES = [metric.id for metric in METRICS.values() if metric.is_silhouette]
EQUAL = {"bio": 0.5, "batch": 0.5}
SEVERITY = ["ok", "not_applicable", "failed"]
DECIMALS = 9  # means that agree to so many decimals are tied: sums of the same numbers differ in the last bits
Run = tuple[str, str, int]


def summarise(
    scores: pd.DataFrame,
    methods: Mapping[str, str],
    weights: Mapping[str, float],
    scaling: str = "controls",
    *,
    robust: Mapping[str, Sequence[str]] | None = None,
    runs: Collection[Run] = (),
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
    robust
        {"bio": metrics, "batch": metrics} of `total_robust`, in whatever group they were scored.
    runs
        Planned (dataset, method, seed); those of `scores` if empty.

    Returns
    -------
    Table of SUMMARY_COLUMNS, one row per dataset, method and metric, and six rows of the group "total": bio, batch,
    total (with the weights), total_robust (with the weights, of the metrics `robust`), no_silhouette_total (the same as
    total without silhouettes), equal_total (0.5 and 0.5). `n_seeds` of `n_planned` seeds have a value. `status` is the
    worst status over the seeds (failed, not_applicable, ok), with the reasons; a total is failed if a part failed. `sd`
    (n - 1) and the 95 % t interval of the mean are empty for a single seed. The scaled totals use the metrics that can
    be scaled on the dataset, and the runs that have a raw total.
    """
    keys = ["dataset", "method", "metric", "seed"]
    ordered = scores.sort_values(keys, ignore_index=True)
    values = ordered[[*keys, "group", "status", "reason"]].assign(
        value=ordered["value"].astype(float).where(ordered["status"] == "ok")
    )
    values[["scaled", "scaled_reason"]] = scale(values, methods, scaling)
    totals = [_totals(one, weights, robust or {}) for _, one in values.groupby("dataset")]
    summary = _over_seeds(pd.concat([values, *totals], ignore_index=True)).assign(scaling=scaling)
    planned = pd.DataFrame(
        sorted(runs) or ordered[["dataset", "method", "seed"]], columns=["dataset", "method", "seed"]
    )
    n_planned = planned.drop_duplicates().groupby(["dataset", "method"]).size().rename("n_planned")
    summary = summary.join(n_planned, on=["dataset", "method"]).fillna({"n_planned": 0})
    return summary.astype({"n_planned": int})[SUMMARY_COLUMNS]


def rank(summary: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Rank the methods by their mean total over datasets, and by their mean robust total.

    Each column is a mean over the datasets on which at least one method has a total (or, if there is no total at all,
    on which at least one method has the value). It is empty for a method that lacks one of these datasets, because
    means over different datasets are not comparable.

    Returns
    -------
    Table of RANKING_COLUMNS, one row per method of `kinds`, best first, with the kinds APART last. `n_datasets` is the
    number of datasets on which a method has a total. The kinds APART and methods without an overall total have no rank;
    totals that agree to 9 decimals share the better rank. `note` names the datasets on which seeds have no total.
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
    for name, total in RANKS.items():
        ranked = ranking[total].where(~ranking["kind"].isin(APART)).round(DECIMALS)
        ranking[name] = ranked.rank(ascending=False, method="min").astype("Int64")
    ranking["note"] = pd.Series(lost_seeds(totals), dtype=object).reindex(ranking.index).fillna("")
    ranking["apart"] = ranking["kind"].map(APART).fillna(0)
    order = ["apart", "total", "n_datasets", "method"]
    ranking = ranking.rename_axis("method").reset_index()
    return ranking.sort_values(order, ascending=[True, False, False, True], ignore_index=True)[RANKING_COLUMNS]


def lost_seeds(summary: pd.DataFrame) -> dict[str, str]:
    """Return {method: words} for the methods with planned seeds that lack a total where other methods have one."""
    totals = summary[summary["metric"] == "total"]
    ranked = totals.loc[totals["n_seeds"] > 0, "dataset"]
    lost = totals[totals["dataset"].isin(ranked) & (totals["n_seeds"] < totals["n_planned"])]
    words = [f"{row.n_seeds} of {row.n_planned} seeds on {row.dataset}" for row in lost.itertuples()]
    return pd.Series(words, index=lost.index, dtype=object).groupby(lost["method"]).agg(", ".join).to_dict()


def _totals(one: pd.DataFrame, weights: Mapping[str, float], robust: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the rows of the group "total" for every run on one dataset."""
    own = {group: sorted(one.loc[one["group"] == group, "metric"].unique()) for group in ("bio", "batch")}
    without = {group: [name for name in names if name not in SILHOUETTES] for group, names in own.items()}
    parts = {
        "bio": (own, {"bio": 1.0}),
        "batch": (own, {"batch": 1.0}),
        "total": (own, weights),
        "total_robust": (robust, weights),
        "no_silhouette_total": (without, weights),
        "equal_total": (own, EQUAL),
    }
    wide = {
        column: one.pivot(index=["method", "seed"], columns="metric", values=column)
        for column in ("value", "scaled", "status")
    }
    totals = pd.concat([_total(wide, *parts[name]).assign(metric=name) for name in RANKING_TOTALS])
    return totals.reset_index().assign(dataset=one["dataset"].iloc[0], group="total")


def _total(
    wide: Mapping[str, pd.DataFrame], groups: Mapping[str, Sequence[str]], weights: Mapping[str, float]
) -> pd.DataFrame:
    """Return one total of every run on one dataset: the weighted sum of the means of the groups."""
    counted = {group: list(groups.get(group, [])) for group, share in weights.items() if share > 0}
    names = [name for listed in counted.values() for name in listed]
    wide = {column: table.reindex(columns=names) for column, table in wide.items()}

    def weighted(table: pd.DataFrame) -> pd.Series:
        parts = {group: table[listed].dropna(axis=1, how="all") for group, listed in counted.items()}
        return sum(weights[group] * part.mean(axis=1, skipna=False) for group, part in parts.items())

    value = weighted(wide["value"])
    missing = value.isna()
    failed = [", ".join(name for name in names if row[name] == "failed") for _, row in wide["status"].iterrows()]
    status = np.select([~missing, [len(names) > 0 for names in failed]], ["ok", "failed"], "not_applicable")
    words = {"ok": "", "not_applicable": "a part is missing"}
    reason = [words.get(state, f"failed: {names}") for state, names in zip(status, failed, strict=True)]
    unscaled = [name for name in names if wide["value"][name].notna().any() and wide["scaled"][name].isna().all()]
    without = f"without {', '.join(unscaled)}" if unscaled else ""
    scaled = weighted(wide["scaled"]).where(~missing)
    columns = {"value": value, "scaled": scaled, "scaled_reason": without, "status": status, "reason": reason}
    return pd.DataFrame(columns, index=value.index)


def _over_seeds(values: pd.DataFrame) -> pd.DataFrame:
    values["group"] = pd.Categorical(values["group"], GROUPS)
    values["severity"] = values["status"].map({status: i for i, status in enumerate(SEVERITY)}).astype(float)
    groups = values.groupby(KEYS, observed=True)
    table = groups.agg(
        mean=("value", "mean"),
        sd=("value", "std"),
        n_seeds=("value", "count"),
        scaled_mean=("scaled", "mean"),
        scaled_reason=("scaled_reason", "first"),
        severity=("severity", "max"),
        reason=("reason", lambda reasons: "; ".join(sorted({text for text in reasons if text}))),
    ).reset_index()
    half = stats.t.ppf(0.975, np.maximum(table["n_seeds"] - 1, 1)) * table["sd"] / np.sqrt(table["n_seeds"])
    status = [SEVERITY[int(severity)] for severity in table["severity"]]
    table = table.assign(ci_low=table["mean"] - half, ci_high=table["mean"] + half, status=status)
    return table.assign(group=table["group"].astype(str))
