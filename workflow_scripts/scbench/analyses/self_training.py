"""The rounds of self-training: number of clusters, agreement with the last round, mined triplets."""

from __future__ import annotations

import pandas as pd

from scbench.runner import FinishedRun

EVENTS = ("clusters", "ari_to_last_round", "accepted")


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Put the events of the rounds beside the mined triplets of each epoch.

    Returns
    -------
    self_training: columns epoch, term, value; the terms are clusters, ari_to_last_round and accepted (1 or 0), once per
    round at the epoch it begins with, and triplets per cell of a minibatch, once per epoch.
    """
    history, rounds = run.table("history"), run.table("rounds")
    triplets = history[history["term"] == "triplets"]
    events = rounds.melt("epoch", value_vars=list(EVENTS), var_name="term").dropna(subset="value")
    return {"self_training": pd.concat([triplets, events.assign(value=events["value"].astype(float))])}
