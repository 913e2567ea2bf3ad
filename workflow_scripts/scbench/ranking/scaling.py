"""Scaling to controls: where the worst control is 0 and the best is 1; the unintegrated baseline is one of them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

ANCHORS = (
    "control",
    "baseline",
)  # without the baseline, every control mixes batches and the batch scores have no floor


def scale_to_controls(values: pd.DataFrame, kinds: Mapping[str, str]) -> pd.Series:
    """Scale each value to the means of the controls: (value - worst) / (best - worst) per data set and metric.

    Parameters
    ----------
    values
        Columns dataset, method, metric, value; one row per run and metric, value missing where there is no score.
    kinds
        {method: kind}; the controls are those of the kinds "control" and "baseline".

    Returns
    -------
    One scaled value per row of `values` (below 0 and above 1 are possible); missing where fewer than two controls have
    the metric or all of them have the same mean. Source: Open Problems in Single-Cell Analysis (control methods).
    """
    controls = values[values["method"].map(kinds).isin(ANCHORS)]
    means = controls.groupby(["dataset", "metric", "method"])["value"].mean().dropna()
    anchors = means.groupby(["dataset", "metric"]).agg(worst="min", best="max")
    anchors = anchors[anchors["best"] > anchors["worst"]]
    anchored = values[["dataset", "metric"]].join(anchors, on=["dataset", "metric"])
    return (values["value"] - anchored["worst"]) / (anchored["best"] - anchored["worst"])
