"""Scaling of raw scores: by the controls, or by the lowest and highest method."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

# the baseline is included because all controls mix batches, so they alone give batch scores no lower anchor
ANCHORS = ("control", "baseline")


def scale(values: pd.DataFrame, kinds: Mapping[str, str], how: str) -> pd.Series:
    """Scale scores with the method `how`: controls | min_max."""
    return {"controls": scale_to_controls, "min_max": scale_min_max}[how](values, kinds)


def scale_to_controls(values: pd.DataFrame, kinds: Mapping[str, str]) -> pd.Series:
    """Scale each value by the means of the controls: (value - worst) / (best - worst) per dataset and metric.

    Parameters
    ----------
    values
        Columns dataset, method, metric, value; one row per run and metric, with a missing value if there is no score.
    kinds
        {method: kind}; methods of the kinds "control" and "baseline" count as controls.

    Returns
    -------
    One scaled value per row of `values` (values below 0 and above 1 are possible); missing if fewer than two controls
    have the metric or if all of them have the same mean. Source: Open Problems in Single-Cell Analysis (control
    methods).
    """
    return _between(values, values["method"].map(kinds).isin(ANCHORS))


def scale_min_max(values: pd.DataFrame, kinds: Mapping[str, str]) -> pd.Series:
    """Scale each value by the means of the methods other than controls: (value - lowest) / (highest - lowest).

    Same arguments as `scale_to_controls`. The scaled values change whenever a method is added. Source: Luecken et al.
    2022.
    """
    return _between(values, values["method"].map(kinds) != "control")


def _between(values: pd.DataFrame, anchor: pd.Series) -> pd.Series:
    means = values[anchor].groupby(["dataset", "metric", "method"])["value"].mean().dropna()
    anchors = means.groupby(["dataset", "metric"]).agg(worst="min", best="max")
    anchors = anchors[anchors["best"] > anchors["worst"]]
    anchored = values[["dataset", "metric"]].join(anchors, on=["dataset", "metric"])
    return (values["value"] - anchored["worst"]) / (anchored["best"] - anchored["worst"])
