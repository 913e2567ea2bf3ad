"""Published scores beside ours, for the datasets that both have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd
import yaml

from scbench.files import read_table
from scbench.metrics.catalogue import METRICS
from scbench.report.labels import MISSING, label

TEXT = ["source", "dataset", "published_dataset", "method", "published_method", "setting"]
PROTOCOL = ("label", "citation", "file", "protocol", "difference")


def read_published(folder: str | Path) -> tuple[pd.DataFrame, dict[str, dict[str, str]]]:
    """Read config/published.

    Returns
    -------
    The values, one row per source, dataset, method and setting, with a column per metric of the catalogue; and
    {source: {label, citation, file, protocol, difference}}.

    Raises
    ------
    ValueError
        If a source is not described or a column is no metric.
    """
    values = read_table(Path(folder) / "values.tsv", text=TEXT)
    sources = yaml.safe_load((Path(folder) / "sources.yaml").read_text())
    for name in values["source"].unique():
        if set(sources.get(name, {})) != set(PROTOCOL):
            raise ValueError(f"{folder}/sources.yaml: {name} needs {', '.join(PROTOCOL)}")
    if unknown := [name for name in values.columns if name not in TEXT and name not in METRICS]:
        raise ValueError(f"{folder}/values.tsv: {', '.join(unknown)} is no metric of the catalogue")
    return values, sources


def published_datasets(folder: str | Path) -> set[str]:
    """Return the ids of the datasets with published values."""
    return set(read_table(Path(folder) / "values.tsv", text=TEXT)["dataset"])


def compare(values: pd.DataFrame, summary: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Join published values with ours by dataset, method and metric.

    Parameters
    ----------
    values
        See `read_published`.
    summary
        summary/summary.tsv.
    labels
        {method: display name} of the methods that were run.

    Returns
    -------
    Table with the columns dataset, method, label, source, published_method, setting, metric, published, ours, sd,
    n_seeds, difference (ours - published); one row for each published value of a dataset of the summary. `ours` is
    missing if the method was not run or the metric not scored.
    """
    metrics = [name for name in values.columns if name not in TEXT]
    here = values[values["dataset"].isin(summary["dataset"])]
    long = here.melt(TEXT, metrics, var_name="metric", value_name="published").dropna(subset="published")
    ours = summary[summary["group"] != "total"][["dataset", "method", "metric", "mean", "sd", "n_seeds"]]
    joined = long.merge(ours.rename(columns={"mean": "ours"}), on=["dataset", "method", "metric"], how="left")
    joined["label"] = joined["method"].map(labels)
    joined["label"] = joined["label"].fillna(joined["published_method"])
    joined["difference"] = joined["ours"] - joined["published"]
    order = ["dataset", "method", "label", "source", "published_method", "setting", "metric"]
    return joined[[*order, "published", "ours", "sd", "n_seeds", "difference"]]


def shown(table: pd.DataFrame, sources: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Return the rows of methods that were run, a column per metric: "published / ours"."""
    run = table.dropna(subset="ours")
    cells = run.assign(
        cell=[f"{a:.3f} / {b:.3f}" for a, b in zip(run["published"], run["ours"], strict=True)],
        source=[sources[name]["label"] for name in run["source"]],
        metric=run["metric"].map(label),
    )
    rows = ["dataset", "label", "source", "setting"]
    order = list(dict.fromkeys(cells["metric"]))
    wide = cells.pivot_table(index=rows, columns="metric", values="cell", aggfunc="first", sort=False)
    wide = wide.reindex(columns=order).fillna(MISSING).reset_index().rename(columns={"label": "method"})
    return wide.sort_values(["dataset", "method", "source"], ignore_index=True).rename_axis(columns=None)


def notes(sources: Mapping[str, Mapping[str, str]], named: Collection[str]) -> list[str]:
    """Return a paragraph per source: where the numbers are from and how the protocols differ."""
    return [
        f"**{one['label']}**: {one['citation']} ({one['file']}). {one['protocol']} {one['difference']}"
        for name, one in sources.items()
        if name in named
    ]
