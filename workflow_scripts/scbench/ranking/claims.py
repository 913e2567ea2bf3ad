"""Claims about methods, each tested as a paired difference with a 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

MIN_DATASETS = 3
CLAIM_TEXT = ["claim", "table", "method", "measure", "other", "other_measure", "expected"]
TESTED_COLUMNS = [
    *["claim", "measured", "datasets", "n_datasets", "n_pairs", "difference", "ci_low", "ci_high", "over", "verdict"],
    "reason",
]


def run_totals(scores: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Return the scores of every run in one row.

    Parameters
    ----------
    scores
        summary/scores.tsv.
    weights
        {"bio": weight, "batch": weight}.

    Returns
    -------
    Columns dataset, method, seed, all metrics, bio, batch and total. A group mean is over the metrics that have a value
    for at least one run on the dataset, and missing for runs without one of them.
    """
    runs = ["dataset", "method", "seed"]
    values = scores.assign(value=scores["value"].where(scores["status"] == "ok"))
    wide = values.pivot(index=runs, columns="metric", values="value")
    for group in ("bio", "batch"):
        by_dataset = values[values["group"] == group].groupby("dataset")
        means = [
            one.pivot(index=runs, columns="metric", values="value").dropna(axis=1, how="all").mean(axis=1, skipna=False)
            for _, one in by_dataset
        ]
        wide[group] = pd.concat(means) if means else np.nan
    wide["total"] = sum(weight * wide[group] for group, weight in weights.items() if weight > 0)
    return wide.reset_index().rename_axis(columns=None)


def judge(claims: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Test every claim, and say which runs are missing for those that cannot be tested.

    Parameters
    ----------
    claims
        config/claims.tsv: the difference `measure` of `method` minus `other_measure` of `other`, both columns of
        `table`, is `expected` to be above or below `bound`.
    tables
        {table: one row per run, with the columns dataset, method, seed}: scores (see `run_totals`), disentanglement and
        gene_vectors, as far as they exist.

    Returns
    -------
    Table of TESTED_COLUMNS, one row per claim. The verdict is held if the whole interval is on the expected side of the
    bound, contradicted if it is on the other side, otherwise not shown; not tested, with a reason, without runs.
    """
    rows = []
    for claim in claims.itertuples():
        pairs, reason = _differences(claim, tables)
        row = {"claim": claim.claim, "measured": measured(claim), **_interval(pairs)}
        row["datasets"] = ", ".join(dict.fromkeys(pairs["dataset"]))
        rows.append(row | {"verdict": "not tested" if reason else verdict_of(claim, row), "reason": reason})
    return pd.DataFrame(rows, columns=TESTED_COLUMNS)


def measured(claim) -> str:
    """Return the difference that a row of config/claims.tsv is about, in symbols."""
    same = claim.measure == claim.other_measure
    first, second = (
        (f"{claim.method} - {claim.other}", claim.measure)
        if same
        else (f"{claim.measure} - {claim.other_measure}", claim.method)
    )
    bound = f" {claim.bound:g}" if claim.bound else " 0"
    return f"{second}: {first} {'>' if claim.expected == 'above' else '<'}{bound}"


def _differences(claim, tables: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, str]:
    """Return the paired differences (dataset, seed, difference), or why there are none.

    A method that runs with a single seed is paired with every seed of the other.
    """
    empty = pd.DataFrame({"dataset": [], "seed": [], "difference": []})
    if claim.table not in tables:
        return empty, f"no runs with the analysis {claim.table}"
    table = tables[claim.table]
    sides = []
    for method, measure in ((claim.method, claim.measure), (claim.other, claim.other_measure)):
        if measure not in table:
            return empty, f"{measure} is not measured"
        side = table.loc[table["method"] == method, ["dataset", "seed", measure]].dropna()
        if not len(side):
            return empty, f"{method} was not run"
        sides.append(side.rename(columns={measure: "value"}))
    paired = []
    for dataset in dict.fromkeys(sides[0]["dataset"]):
        first, second = (side[side["dataset"] == dataset] for side in sides)
        if min(len(first), len(second)) == 1:
            joined = first.merge(second, on="dataset", suffixes=("", "_other"))
        else:
            joined = first.merge(second, on=["dataset", "seed"], suffixes=("", "_other"))
        paired.append(joined.assign(difference=joined["value"] - joined["value_other"])[list(empty)])
    pairs = pd.concat(paired, ignore_index=True)
    return pairs, "" if len(pairs) else f"{claim.method} and {claim.other} have no dataset and seed in common"


def _interval(pairs: pd.DataFrame) -> dict:
    """Return the mean over datasets of the difference with its 95 % t interval, over datasets if there are 3.

    With fewer datasets the interval is over seeds, with the variance within the datasets; it then says nothing about
    other datasets.
    """
    by = pairs.groupby("dataset")["difference"]
    means, sizes = by.mean(), by.size()
    result = {"n_datasets": len(means), "n_pairs": len(pairs), "difference": means.mean() if len(means) else np.nan}
    if len(means) >= MIN_DATASETS:
        over, error, freedom = "datasets", means.std(ddof=1) / np.sqrt(len(means)), len(means) - 1
    else:
        over, freedom = "seeds", int((sizes - 1).sum())
        spread = (by.var(ddof=1).fillna(0) * (sizes - 1)).sum() / freedom if freedom > 0 else np.nan
        error = np.sqrt(spread * (1 / sizes).sum()) / max(len(means), 1)
    if freedom < 1:
        return result | {"ci_low": np.nan, "ci_high": np.nan, "over": ""}
    half = stats.t.ppf(0.975, freedom) * error
    return result | {"ci_low": result["difference"] - half, "ci_high": result["difference"] + half, "over": over}


def verdict_of(claim, row: Mapping) -> str:
    """Return held, contradicted or not shown for a row of config/claims.tsv and an interval, {ci_low, ci_high}."""
    if np.isnan(row["ci_low"]):
        return "no interval"
    low, high = row["ci_low"] > claim.bound, row["ci_high"] < claim.bound
    held, contradicted = (low, high) if claim.expected == "above" else (high, low)
    return "held" if held else "contradicted" if contradicted else "not shown"
