"""The table of calibration: what every method changes where there is nothing to correct."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

METRIC = "neighbours_kept"


def calibration_table(summary: pd.DataFrame, labels: Mapping[str, str], kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return the share of neighbours that every method keeps on the datasets that are null splits, largest first.

    Parameters
    ----------
    summary
        See `scbench.ranking.summary.summarise`.
    labels, kinds
        {method: display name}, {method: kind}.

    Returns
    -------
    Table with the columns dataset, method, kind, neighbours_kept, sd, n_seeds.
    """
    rows = summary[(summary["metric"] == METRIC) & summary["mean"].notna()]
    table = pd.DataFrame(
        {
            "dataset": rows["dataset"],
            "method": rows["method"].map(labels),
            "kind": rows["method"].map(kinds),
            METRIC: rows["mean"],
            "sd": rows["sd"],
            "n_seeds": rows["n_seeds"],
        }
    )
    return table.sort_values(["dataset", METRIC, "method"], ascending=[True, False, True], ignore_index=True)
