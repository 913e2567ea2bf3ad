"""The configuration and the printed scores that several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

CONFIG_FOLDER = Path(__file__).parents[3] / "config"


def default_config(overrides: Mapping[str, Any]) -> dict:
    """Return the default configuration with `overrides` merged over it."""
    from scbench.config import load_config

    return load_config(CONFIG_FOLDER, overrides)


def print_scores(scores: pd.DataFrame) -> None:
    """Print a table of metrics x methods; metrics without any value are left out."""
    from tabulate import tabulate

    table = scores.pivot(index="metric", columns="method", values="value")
    table = table.loc[scores["metric"].unique(), scores["method"].unique()].dropna(how="all")
    print(tabulate(table.round(3), headers="keys", floatfmt=".3f"))
