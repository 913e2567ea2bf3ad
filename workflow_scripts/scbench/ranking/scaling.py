"""Scaling of raw scores: by the controls, or by the lowest and highest method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from scbench.metrics.catalogue import METRICS

# the baseline is included because all controls mix batches, so they alone give batch scores no lower anchor
ANCHORS = ("control", "baseline")
LEAST_DISTANCE = 0.05  # between the worst and the best control: a smaller unit magnifies noise more than 20-fold
ROUNDING = 1e-9


def scale(values: pd.DataFrame, kinds: Mapping[str, str], how: str) -> pd.DataFrame:
    """Scale scores with the method `how`: controls | min_max."""
    return {"controls": scale_to_controls, "min_max": scale_min_max}[how](values, kinds)


def scale_to_controls(values: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Scale each value by the means of the controls: (value - worst) / (best - worst) per dataset and metric.

    Parameters
    ----------
    values
        Columns dataset, method, metric, value; one row per run and metric, with a missing value if there is no score.
    kinds
        {method: kind}; methods of the kinds "control" and "baseline" count as controls.

    Returns
    -------
    Columns scaled (values below 0 and above 1 are possible) and scaled_reason, rows as in `values`. A value is missing,
    with the reason, if the worst and the best control are less than 0.05 apart: the unit of the scale would be as small
    as the differences between seeds. For metrics of direction lower, the lowest control is the best. Source: Open
    Problems in Single-Cell Analysis (control methods).
    """
    return _between(values, values["method"].map(kinds).isin(ANCHORS), "controls", LEAST_DISTANCE)


def scale_min_max(values: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Scale each value by the means of the methods other than controls: (value - worst) / (best - worst).

    Same arguments as `scale_to_controls`. The scaled values change whenever a method is added. Source: Luecken et al.
    2022.
    """
    return _between(values, values["method"].map(kinds) != "control", "methods", ROUNDING)


def _between(values: pd.DataFrame, anchor: pd.Series, anchors: str, least: float) -> pd.DataFrame:
    means = values[anchor].groupby(["dataset", "metric", "method"])["value"].mean().dropna()
    ends = means.groupby(["dataset", "metric"]).agg(low="min", high="max")
    found = values[["dataset", "metric"]].join(ends, on=["dataset", "metric"])
    falling = np.array(
        [name in METRICS and METRICS[name].direction == "lower" for name in values["metric"]], dtype=bool
    )
    worst, best = found["low"].where(~falling, found["high"]), found["high"].where(~falling, found["low"])
    distance = (found["high"] - found["low"]).astype(float)
    near = [f"the {anchors} are {apart:.2g} apart; {least:g} is the least" for apart in distance]
    reason = np.select([distance.isna(), distance < least], [f"the {anchors} have no value", near], "")
    scaled = ((values["value"] - worst) / (best - worst)).where(reason == "")
    return pd.DataFrame({"scaled": scaled, "scaled_reason": reason}, index=values.index)
