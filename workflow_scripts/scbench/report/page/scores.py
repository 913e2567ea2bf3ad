"""The scores on the page: one value per run, from which the browser computes every mean and total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from scipy import stats

from scbench.metrics.catalogue import METRICS
from scbench.metrics.documentation import documentation
from scbench.ranking.scaling import scale
from scbench.report.labels import label


def score_content(scores: pd.DataFrame, kinds: Mapping[str, str], scaling: str) -> dict[str, Any]:
    """Return the scores of every dataset, raw and scaled.

    Parameters
    ----------
    scores
        Long table of `checks.SCORE_COLUMNS`.
    kinds, scaling
        See `scbench.ranking.scaling.scale`.

    Returns
    -------
    {dataset: {runs: [[method, seed]], metrics: {metric: {group, values, scaled, unscaled}}, problems: {metric: {method:
    [status, reason]}}}}. `values` and `scaled` have one number per run, None where there is none; `unscaled` is the
    reason why nothing is scaled, or empty.
    """
    table = scores.assign(value=scores["value"].astype(float).where(scores["status"] == "ok"))
    table[["scaled", "scaled_reason"]] = scale(table, kinds, scaling)
    return {str(dataset): _of_dataset(one) for dataset, one in table.groupby("dataset", sort=False)}


def _of_dataset(one: pd.DataFrame) -> dict[str, Any]:
    runs = sorted(set(zip(one["method"], one["seed"].astype(int), strict=True)))
    metrics, problems = {}, {}
    for metric, rows in one.groupby("metric", sort=False):
        rows = rows.set_index(["method", "seed"])
        ordered = rows[["value", "scaled"]].reindex(pd.MultiIndex.from_tuples(runs))
        values, scaled = (plain(ordered[column]) for column in ("value", "scaled"))
        described = {"group": rows["group"].iloc[0], "unscaled": rows["scaled_reason"].iloc[0]}
        metrics[metric] = described | {"values": values, "scaled": scaled}
        missing = rows[rows["status"] != "ok"].reset_index().sort_values("status")  # failed before not_applicable
        problems[metric] = {
            method: [bad["status"].iloc[0], "; ".join(dict.fromkeys(bad["reason"]))]
            for method, bad in missing.groupby("method", sort=False)
        }
    return {"runs": runs, "metrics": metrics, "problems": {name: found for name, found in problems.items() if found}}


def metric_content(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the metrics of the scores in their order there, with what their documentation says."""
    found = []
    for name, rows in scores.groupby("metric", sort=False):
        entry = METRICS.get(str(name))
        silhouette = entry is not None and entry.is_silhouette
        found.append(
            {
                "id": name,
                "label": label(str(name)),
                "group": rows["group"].iloc[0],
                "silhouette": silhouette,
                "better": entry.direction if entry else "higher",
                "implementation": sorted(set(rows["implementation"]) - {""}),
                **(documentation(entry) if entry else {}),
            }
        )
    order = {"bio": 0, "batch": 1, "extra": 2}
    return sorted(found, key=lambda one: order[one["group"]])


def t_quantiles(n_seeds: int) -> list[float | None]:
    """Return the half width of a 95 % interval in standard errors, for 0, 1, ... n_seeds values."""
    return [None, None, *(float(stats.t.ppf(0.975, n - 1)) for n in range(2, n_seeds + 1))]


def records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return the rows of a table, with None where a value is missing."""
    if table is None:
        return []
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*map(plain, table.items()), strict=True)]


def plain(values: pd.Series | tuple[Any, pd.Series]) -> Sequence[Any]:
    """Return the values of a column as JSON knows them."""
    column = values[1] if isinstance(values, tuple) else values
    return [None if pd.isna(value) else value for value in column.astype(object).tolist()]
