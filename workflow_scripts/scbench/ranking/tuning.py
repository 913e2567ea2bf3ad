"""Choose between parameters by the numbers of `scbench.analyses.tuning`, none of which needs cell types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

LEAST_GAIN = 0.01  # of the label-free total
WORST_LOSS = 0.01  # by which the held-out loss may rise, relative to its value


def choose(table: pd.DataFrame) -> dict[str, Any]:
    """Choose between the candidates of one method on one dataset, and say why.

    Of the candidates whose held-out loss is at most 1 % higher than with the parameters as they are, the one with the
    highest label-free total is chosen if it gains at least 0.01.

    Parameters
    ----------
    table
        Rows as of `scbench.analyses.tuning.search`, of one or more seeds, over which they are averaged; the first
        candidate has the parameters as they are.

    Returns
    -------
    {chosen, label_free, gain, loss_change, why}: the latter two of the numbers relative to the parameters as they are.
    """
    mean = table.groupby("candidate", sort=False)[["held_out_loss", "label_free"]].mean()
    as_it_is, start = mean.index[0], mean.iloc[0]
    gain = mean["label_free"] - start["label_free"]
    change = (mean["held_out_loss"] - start["held_out_loss"]) / abs(start["held_out_loss"])
    fits = ~(change > WORST_LOSS)  # a method without a likelihood has no change
    best = gain[fits].idxmax()
    chosen = best if gain[best] >= LEAST_GAIN else as_it_is
    if chosen == as_it_is:
        others = gain[fits].drop(as_it_is)
        nearest = f" (the best: {others.idxmax()}, {others.max():+.3f})" if len(others) else ""
        why = f"no change gains {LEAST_GAIN} in the label-free total{nearest}"
    else:
        why = f"the label-free total rises by {gain[chosen]:.3f}"
        if np.isfinite(change[chosen]):
            why += f", the held-out loss changes by {change[chosen]:+.2%}"
    if (~fits).any():
        why += f"; held-out loss too high: {', '.join(mean.index[~fits])}"
    numbers = {"label_free": mean.loc[chosen, "label_free"], "gain": gain[chosen], "loss_change": change[chosen]}
    return {"chosen": chosen, **numbers, "why": why}
