"""The rounds of self-training: number of clusters, agreement with the previous round, mined triplets."""

from __future__ import annotations

import pandas as pd

from scbench.runner import FinishedRun

EVENTS = ("clusters", "ari_to_last_round", "accepted")


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Combine the events of the rounds and the mined triplets of each epoch in one table.

    Returns
    -------
    Table self_training with the columns epoch, term, value. The terms are clusters, ari_to_last_round and accepted (1
    or 0), once per round at its first epoch, and triplets per cell of a minibatch, once per epoch.
    """
    history, rounds = run.table("history"), run.table("rounds")
    triplets = history[history["term"] == "triplets"]
    events = rounds.melt("epoch", value_vars=list(EVENTS), var_name="term").dropna(subset="value")
    return {"self_training": pd.concat([triplets, events.assign(value=events["value"].astype(float))])}
