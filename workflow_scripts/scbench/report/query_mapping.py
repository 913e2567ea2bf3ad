"""Table of query mapping: the same cells seen in training, and held out and mapped."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def gather(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Average the scores over seeds.

    Parameters
    ----------
    table
        Table of `scbench.analyses.query_mapping` with additional leading columns dataset, method and seed.

    Returns
    -------
    Table with the columns dataset, method, held_out, n_seeds, macro_f1_seen, macro_f1_mapped, ilisi_seen, ilisi_mapped.
    """
    groups = ["dataset", "method", "held_out"]
    wide = table.pivot(index=[*groups, "seed"], columns="cells", values=["macro_f1", "ilisi"])
    wide.columns = [f"{score}_{cells}" for score, cells in wide.columns]
    scores = [f"{score}_{cells}" for score in ("macro_f1", "ilisi") for cells in ("seen", "mapped")]
    by = wide.reindex(columns=scores).groupby(groups, sort=False)
    mean = by.mean()
    mean.insert(0, "n_seeds", by.size())
    return mean.reset_index()
