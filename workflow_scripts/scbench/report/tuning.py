"""Table of tuning: the parameters chosen without labels, and why."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from scbench.ranking.tuning import choose


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Choose for every dataset and method; candidates are averaged over seeds.

    Parameters
    ----------
    table
        Table of `scbench.analyses.tuning` with additional leading columns dataset, method and seed.

    Returns
    -------
    Table with the columns dataset, method, n_seeds, n_candidates, and those of `scbench.ranking.tuning.choose`.
    """
    rows = []
    for (dataset, method), own in table.groupby(["dataset", "method"], sort=False):
        counts = {"n_seeds": own["seed"].nunique(), "n_candidates": own["candidate"].nunique()}
        rows.append({"dataset": dataset, "method": method, **counts, **choose(own)})
    return pd.DataFrame(rows)
