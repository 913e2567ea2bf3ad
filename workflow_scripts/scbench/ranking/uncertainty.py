"""Uncertainty of the overall ranking: t intervals over datasets, rank tests, leave-one-out sensitivity."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from scbench.ranking.summary import APART, DECIMALS, Run, rank, summarise
from scbench.seeding import generator

MIN_DATASETS = 3
MIN_METHODS = 3
DRAWS = 10_000
LEVEL = 0.95
OVERALL_COLUMNS = [
    *["method", "total", "ci_low", "ci_high", "rank", "rank_low", "rank_high", "share_best"],
    *["total_robust", "rank_robust", "n_datasets", "n_seeds", "n_planned", "note", "status", "reason"],
]
TEST_COLUMNS = ["test", "method", "other", "statistic", "p_value", "mean_rank", "n_datasets", "status", "reason"]
RANKING_TEXT = ["method", "other", "test", "kind", "left_out", "best", "note", "status", "reason"]
SENSITIVITY_COLUMNS = ["kind", "left_out", "kendall_tau", "best", "best_changed", "ranking_changed", "status", "reason"]


def ranking_tables(
    scores: pd.DataFrame,
    kinds: Mapping[str, str],
    weights: Mapping[str, float],
    scaling: str,
    *,
    robust: Mapping[str, Sequence[str]] | None = None,
    runs: Collection[Run] = (),
) -> dict[str, pd.DataFrame]:
    """Compute all summary tables from the scores of a benchmark.

    Parameters
    ----------
    scores, kinds, weights, scaling, robust, runs
        See `scbench.ranking.summary.summarise`.

    Returns
    -------
    {name: table}: scores (sorted), summary, overall, rank_tests, sensitivity.
    """
    scores = scores.sort_values(["dataset", "method", "seed", "metric"], ignore_index=True)
    summary = summarise(scores, kinds, weights, scaling, robust=robust, runs=runs)
    totals = dataset_totals(summary, kinds)
    return {
        "scores": scores,
        "summary": summary,
        "overall": overall_table(summary, kinds),
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


def overall_table(summary: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return the intervals of the ranked methods beside the robust ranking and the seeds behind them.

    Returns
    -------
    Table of OVERALL_COLUMNS, best method first. `n_seeds` of `n_planned` runs over the datasets of the ranking have a
    total; `note` names the datasets on which seeds were lost. For the other columns, see `rank` and `mean_intervals`.
    """
    totals = dataset_totals(summary, kinds)
    ranking = rank(summary, kinds).set_index("method")[["total_robust", "rank_robust", "note"]]
    used = summary[(summary["metric"] == "total") & summary["dataset"].isin(totals.columns)]
    seeds = used.groupby("method")[["n_seeds", "n_planned"]].sum()
    table = mean_intervals(totals).join(ranking, on="method").join(seeds, on="method")
    return table[OVERALL_COLUMNS].sort_values(["rank", "method"], ignore_index=True)


def mean_intervals(totals: pd.DataFrame) -> pd.DataFrame:
    """Compute 95 % intervals of mean total and rank over the datasets, as a sample of all datasets.

    The interval of the mean is the t interval over the datasets, cut at the best total, 1. The total of a dataset is a
    mean over seeds, so that the spread over datasets includes that over seeds. The interval of the rank counts the
    methods that are better, and those that are worse, by paired t tests over the datasets (Holm's correction over the
    other methods). Source: confidence sets for ranks of Chetverikov et al. 2024,
    arXiv 2401.15205, here with t tests.

    Parameters
    ----------
    totals
        See `dataset_totals`.

    Returns
    -------
    Columns method, total, rank, n_datasets, status, reason, ci_low, ci_high, rank_low, rank_high, share_best: the share
    of 10,000 draws from the joint t distribution of the means in which a method is best, also if tied. With fewer than
    3 datasets the intervals are missing and the status is not_applicable, with a reason.
    """
    n_datasets = totals.shape[1]
    mean = totals.mean(axis=1).to_numpy()
    table = pd.DataFrame(
        {"method": totals.index, "total": mean, "rank": _ranks(mean[None])[0], "n_datasets": n_datasets}
    )
    reason = _too_few(totals, methods=1)
    table = table.assign(status="not_applicable" if reason else "ok", reason=reason)
    intervals = ["ci_low", "ci_high", "rank_low", "rank_high", "share_best"]
    if reason:
        return table.assign(**dict.fromkeys(intervals, np.nan))
    values = totals.to_numpy()
    half = stats.t.ppf((1 + LEVEL) / 2, n_datasets - 1) * values.std(axis=1, ddof=1) / np.sqrt(n_datasets)
    better, worse = significant(values, 1 - LEVEL)
    table["ci_low"], table["ci_high"] = mean - half, np.minimum(mean + half, np.maximum(mean, 1))
    table["rank_low"], table["rank_high"] = 1 + better.sum(axis=1), len(values) - worse.sum(axis=1)
    return table.assign(share_best=(_ranks(_drawn_means(values)) == 1).mean(axis=0))


def rank_tests(totals: pd.DataFrame) -> pd.DataFrame:
    """Test whether the methods differ: the Friedman test over datasets, then the Nemenyi test for every pair.

    Both compare with 10,000 seeded permutations of the ranks within the datasets, because their chi-square and
    studentized range distributions hold for many datasets only. The Nemenyi p value of a pair is the probability that
    the best and the worst mean rank differ by as much. Sources: Demšar 2006 (JMLR 7); Friedman 1937,
    doi 10.1080/01621459.1937.10503522.

    Returns
    -------
    Table of TEST_COLUMNS: one row friedman (statistic: chi-square, corrected for ties), one row mean_rank per method (1
    is best), one row nemenyi per pair. With fewer than 3 methods or datasets, or if all methods have the same totals, a
    single row with status not_applicable and the reason.
    """
    n_methods, n_datasets = totals.shape
    ranks = stats.rankdata(-totals.round(DECIMALS).to_numpy(), axis=0)
    reason = _too_few(totals, methods=MIN_METHODS)
    if not reason and (ranks == ranks[0]).all():
        reason = "all methods have the same total on every dataset"
    if reason:
        row = {"test": "friedman", "n_datasets": n_datasets, "status": "not_applicable", "reason": reason}
        return pd.DataFrame([row]).reindex(columns=TEST_COLUMNS)
    sums = ranks.sum(axis=1)
    stacked = np.broadcast_to(ranks, (DRAWS, n_methods, n_datasets))
    permuted = generator(0, "rank_tests").permuted(stacked, axis=1).sum(axis=2)

    def p_value(drawn: np.ndarray, found: float) -> float:
        return (1 + (drawn >= found - 1e-9).sum()) / (1 + DRAWS)

    rows = [
        {
            "test": "friedman",
            "statistic": stats.friedmanchisquare(*ranks).statistic,
            "p_value": p_value(np.square(permuted).sum(axis=1), np.square(sums).sum()),
        }
    ]
    mean_ranks = pd.Series(sums / n_datasets, index=totals.index).sort_values()
    rows += [{"test": "mean_rank", "method": name, "mean_rank": value} for name, value in mean_ranks.items()]
    ranges = np.ptp(permuted, axis=1)
    for first in range(n_methods):
        for second in range(first + 1, n_methods):
            names = {"method": totals.index[first], "other": totals.index[second]}
            rows.append({"test": "nemenyi", **names, "p_value": p_value(ranges, abs(sums[first] - sums[second]))})
    return pd.DataFrame(rows).assign(n_datasets=n_datasets, status="ok", reason="").reindex(columns=TEST_COLUMNS)


def sensitivity(scores: pd.DataFrame, kinds: Mapping[str, str], weights: Mapping[str, float]) -> pd.DataFrame:
    """Repeat the ranking with one metric or one dataset left out at a time.

    Returns
    -------
    Table of SENSITIVITY_COLUMNS, one row per metric of the totals and per dataset: Kendall's tau with the full ranking
    (1: the same order), the new best method (several if tied), whether it differs from the full ranking, and whether
    any order changed. The status is not_applicable, with a reason, if the rest does not give a ranking of the same
    methods or if all of them are tied.
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
        elif full.nunique() == 1 or rest.nunique() == 1:
            reason = "all methods have the same overall total"
        else:
            rest = rest.loc[full.index]
            row |= {
                "kendall_tau": stats.kendalltau(full, rest).statistic,
                "best": _best(rest),
                "best_changed": _best(rest) != _best(full),
                "ranking_changed": bool((full.rank() != rest.rank()).any()),
            }
        rows.append(row | {"status": "not_applicable" if reason else "ok", "reason": reason})
    return pd.DataFrame(rows, columns=SENSITIVITY_COLUMNS)


def _overall(scores: pd.DataFrame, kinds: Mapping[str, str], weights: Mapping[str, float]) -> pd.Series:
    ranking = rank(summarise(scores, kinds, weights), kinds)
    return ranking[ranking["rank"].notna()].set_index("method")["total"].round(DECIMALS)


def _best(totals: pd.Series) -> str:
    return ", ".join(sorted(totals.index[totals == totals.max()]))


def _ranks(totals: np.ndarray) -> np.ndarray:
    """Rank each row, where 1 is the highest value; ties share the better rank."""
    return stats.rankdata(-totals.round(DECIMALS), axis=1, method="min").astype(int)


def significant(values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return whether the method of a column is better, and whether it is worse, than that of a row: (methods, methods).

    `values` are totals, (methods, datasets). The tests of a row are one-sided paired t tests over the datasets with
    Holm's correction, so that a row has any error with at most the probability `level`. One side suffices: of two
    methods only one order is true, so that a pair can be wrong in one direction only.
    """
    n_methods, n_datasets = values.shape
    differences = (values[None] - values[:, None]).round(DECIMALS)
    mean, sd = differences.mean(axis=2), differences.std(axis=2, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_values = stats.t.sf(np.abs(mean) / (sd / np.sqrt(n_datasets)), n_datasets - 1)
    p_values[mean == 0] = 1
    np.fill_diagonal(p_values, 1)
    order = np.argsort(p_values, axis=1)
    steps = np.take_along_axis(p_values, order, axis=1) * np.maximum(n_methods - 1 - np.arange(n_methods), 1)
    found = np.empty_like(p_values)
    np.put_along_axis(found, order, np.maximum.accumulate(steps, axis=1), axis=1)
    differs = found <= level
    return differs & (mean > 0), differs & (mean < 0)


def _drawn_means(values: np.ndarray) -> np.ndarray:
    """Draw means of (methods, datasets) from their joint t distribution, (draws, methods)."""
    random, n_datasets = generator(0, "mean_intervals"), values.shape[1]
    centred = values - values.mean(axis=1, keepdims=True)
    normal = random.standard_normal((DRAWS, n_datasets)) @ centred.T
    inverse = np.sqrt(random.chisquare(n_datasets - 1, (DRAWS, 1)) * n_datasets)
    return values.mean(axis=1) + normal / inverse


def _too_few(totals: pd.DataFrame, methods: int) -> str:
    for found, needed, what in ((totals.shape[1], MIN_DATASETS, "datasets"), (len(totals), methods, "methods")):
        if found < needed:
            return f"{found} {what} with totals of all methods; {needed} are needed"
    return ""
