"""Uncertainty of the overall ranking: bootstrap over datasets, rank tests, leave-one-out sensitivity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from scbench.ranking.summary import APART, rank, summarise
from scbench.seeding import generator

MIN_DATASETS = 3
MIN_METHODS = 3
RESAMPLES = 10_000
OVERALL_COLUMNS = [
    *["method", "total", "ci_low", "ci_high", "rank", "rank_low", "rank_high", "share_best"],
    *["n_datasets", "status", "reason"],
]
TEST_COLUMNS = ["test", "method", "other", "statistic", "p_value", "mean_rank", "n_datasets", "status", "reason"]
RANKING_TEXT = ["method", "other", "test", "kind", "left_out", "best", "status", "reason"]
SENSITIVITY_COLUMNS = ["kind", "left_out", "kendall_tau", "best", "best_changed", "ranking_changed", "status", "reason"]


def ranking_tables(
    scores: pd.DataFrame, kinds: Mapping[str, str], weights: Mapping[str, float], scaling: str
) -> dict[str, pd.DataFrame]:
    """Compute all summary tables from the scores of a benchmark.

    Parameters
    ----------
    scores, kinds, weights, scaling
        See `scbench.ranking.summary.summarise`.

    Returns
    -------
    {name: table}: scores (sorted), summary, overall, rank_tests, sensitivity.
    """
    scores = scores.sort_values(["dataset", "method", "seed", "metric"], ignore_index=True)
    summary = summarise(scores, kinds, weights, scaling)
    totals = dataset_totals(summary, kinds)
    return {
        "scores": scores,
        "summary": summary,
        "overall": bootstrap_ranking(totals),
        "rank_tests": rank_tests(totals),
        "sensitivity": sensitivity(scores, kinds, weights),
    }


def dataset_totals(summary: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return the mean total of every ranked method as a complete table, methods x datasets.

    Datasets on which no method has a total are left out, and so are methods that lack a total on a remaining dataset.
    """
    totals = summary[(summary["metric"] == "total") & (summary["group"] == "total")]
    wide = totals.pivot(index="method", columns="dataset", values="mean")
    competing = [method for method, kind in kinds.items() if kind not in APART and method in wide.index]
    return wide.loc[competing].dropna(axis=1, how="all").dropna(axis=0)


def bootstrap_ranking(totals: pd.DataFrame) -> pd.DataFrame:
    """Compute 95 % percentile intervals of mean total and rank from 10,000 bootstrap samples of the datasets.

    Parameters
    ----------
    totals
        See `dataset_totals`.

    Returns
    -------
    Table of OVERALL_COLUMNS, best method first; `share_best` is the fraction of samples in which a method is best, also
    if tied. With fewer than 3 datasets the intervals are missing and the status is not_applicable, with a reason.
    """
    n_datasets = totals.shape[1]
    mean = totals.mean(axis=1)
    table = pd.DataFrame({"method": totals.index, "total": mean.to_numpy(), "n_datasets": n_datasets})
    table["rank"] = _ranks(mean.to_numpy()[None])[0] if len(table) else []
    reason = _too_few(totals, methods=1)
    table = table.assign(status="not_applicable" if reason else "ok", reason=reason)
    if not reason:
        drawn = generator(0, "bootstrap_ranking").integers(0, n_datasets, (RESAMPLES, n_datasets))
        means = totals.to_numpy()[:, drawn].mean(axis=2).T
        ranks = _ranks(means)
        table["ci_low"], table["ci_high"] = np.quantile(means, [0.025, 0.975], axis=0)
        table["rank_low"], table["rank_high"] = np.quantile(ranks, [0.025, 0.975], axis=0, method="nearest")
        table["share_best"] = (ranks == 1).mean(axis=0)
    return table.reindex(columns=OVERALL_COLUMNS).sort_values(["rank", "method"], ignore_index=True)


def rank_tests(totals: pd.DataFrame) -> pd.DataFrame:
    """Test whether the methods differ: the Friedman test over datasets, then the Nemenyi test for every pair.

    Sources: Demšar 2006 (JMLR 7); scipy.stats.friedmanchisquare; scikit_posthocs.posthoc_nemenyi_friedman.

    Returns
    -------
    Table of TEST_COLUMNS: one row friedman, one row mean_rank per method (1 is best), one row nemenyi per pair. With
    fewer than 3 methods or datasets, a single row with status not_applicable and the reason.
    """
    n_datasets = totals.shape[1]
    reason = _too_few(totals, methods=MIN_METHODS)
    if reason:
        row = {"test": "friedman", "n_datasets": n_datasets, "status": "not_applicable", "reason": reason}
        return pd.DataFrame([row]).reindex(columns=TEST_COLUMNS)
    from scikit_posthocs import posthoc_nemenyi_friedman

    statistic, p_value = stats.friedmanchisquare(*totals.to_numpy())
    ranks = pd.Series(stats.rankdata(-totals.to_numpy(), axis=0).mean(axis=1), index=totals.index)
    rows = [{"test": "friedman", "statistic": statistic, "p_value": p_value}]
    rows += [{"test": "mean_rank", "method": name, "mean_rank": value} for name, value in ranks.sort_values().items()]
    pairs = posthoc_nemenyi_friedman(totals.to_numpy().T)
    for first in range(len(totals)):
        for second in range(first + 1, len(totals)):
            names = {"method": totals.index[first], "other": totals.index[second]}
            rows.append({"test": "nemenyi", **names, "p_value": pairs.iloc[first, second]})
    return pd.DataFrame(rows).assign(n_datasets=n_datasets, status="ok", reason="").reindex(columns=TEST_COLUMNS)


def sensitivity(scores: pd.DataFrame, kinds: Mapping[str, str], weights: Mapping[str, float]) -> pd.DataFrame:
    """Repeat the ranking with one metric or one dataset left out at a time.

    Returns
    -------
    Table of SENSITIVITY_COLUMNS, one row per metric of the totals and per dataset: Kendall's tau with the full ranking
    (1: the same order), the new best method, whether it differs from the full ranking, and whether any order changed.
    The status is not_applicable, with a reason, if the rest does not give a ranking of the same methods.
    """
    full = _overall(scores, kinds, weights)
    parts = scores.loc[(scores["status"] == "ok") & scores["group"].isin(["bio", "batch"]), "metric"]
    left_out = [("metric", "metric", name) for name in sorted(parts.unique())]
    left_out += [("dataset", "dataset", name) for name in sorted(scores["dataset"].unique())]
    rows = []
    for kind, column, name in left_out:
        reason, row = "", {"kind": kind, "left_out": name}
        rest = _overall(scores[scores[column] != name], kinds, weights)
        if len(full) < 2:
            reason = f"{len(full)} methods have an overall total; 2 are needed"
        elif set(rest.index) != set(full.index):
            reason = "what is left gives no total to some of the methods"
        else:
            rest = rest.loc[full.index]
            row |= {
                "kendall_tau": stats.kendalltau(full, rest).statistic,
                "best": rest.idxmax(),
                "best_changed": rest.idxmax() != full.idxmax(),
                "ranking_changed": bool((full.rank() != rest.rank()).any()),
            }
        rows.append(row | {"status": "not_applicable" if reason else "ok", "reason": reason})
    return pd.DataFrame(rows, columns=SENSITIVITY_COLUMNS)


def _overall(scores: pd.DataFrame, kinds: Mapping[str, str], weights: Mapping[str, float]) -> pd.Series:
    ranking = rank(summarise(scores, kinds, weights), kinds)
    return ranking[ranking["rank"].notna()].set_index("method")["total"]


def _ranks(totals: np.ndarray) -> np.ndarray:
    """Rank each row, where 1 is the highest value; ties share the better rank."""
    return stats.rankdata(-totals, axis=1, method="min").astype(int)


def _too_few(totals: pd.DataFrame, methods: int) -> str:
    for found, needed, what in ((totals.shape[1], MIN_DATASETS, "datasets"), (len(totals), methods, "methods")):
        if found < needed:
            return f"{found} {what} with totals of all methods; {needed} are needed"
    return ""
