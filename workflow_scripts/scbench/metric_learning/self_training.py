"""Self-training: the clusters of the learned space become the labels of the next round, until they are stable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scbench.graphs.agreement import ari

STABLE = 0.98  # adjusted Rand index to the clusters of the last round
UNLIKE = 0.7  # the same: too low to be a correction
ROUND_COLUMNS = ["round", "epoch", "clusters", "ari_to_last_round", "accepted"]


@dataclass(frozen=True)
class Trained:
    """The embedding (n_cells, n_dims) after a round, the history of its training, the content of model.pt."""

    X: np.ndarray
    history: pd.DataFrame
    state: dict[str, Any]

    @property
    def triplets(self) -> float:
        """Mined triplets per cell of a minibatch in the last epoch."""
        return float(self.history.loc[self.history["term"] == "triplets", "value"].iloc[-1])


def self_train(
    cluster: np.ndarray,
    *,
    fit: Callable[[np.ndarray, int, dict[str, Any] | None], Trained],
    recluster: Callable[[np.ndarray], np.ndarray],
    rounds: int,
) -> tuple[np.ndarray, Trained, pd.DataFrame, pd.DataFrame]:
    """Train, cluster the embedding, train on from the weights, for at most `rounds` rounds after the first.

    Ends when the new clusters have an adjusted Rand index of 0.98 to the last ones, and when a round is rejected: its
    clusters collapse to 2 or fewer, their index is below 0.7, or more triplets are mined after it than before. What a
    rejected round did to clusters and weights is undone.

    Parameters
    ----------
    cluster
        (n_cells,) codes to start from.
    fit
        (clusters, number of the round, state to start from) to `Trained`.
    recluster
        Embedding to codes.

    Returns
    -------
    The clusters and the training of the last round that stands; the history of all epochs; and a table of the rounds,
    one row each: its number, the epoch it begins with, the number of clusters, their index to the last round's (missing
    for the first), and whether it was accepted.
    """
    best = fit(cluster, 0, None)
    histories, events = [best.history], [(0, 0, int(cluster.max()) + 1, np.nan, True)]
    epoch = int(best.history["epoch"].max()) + 1
    for number in range(1, rounds + 1):
        proposed = recluster(best.X)
        n_clusters, agreement = int(proposed.max()) + 1, ari(proposed, cluster)
        event = (number, epoch, n_clusters, agreement)
        if n_clusters <= 2 < cluster.max() + 1 or agreement < UNLIKE or agreement >= STABLE:
            events.append((*event, agreement >= STABLE))
            break
        trained = fit(proposed, number, best.state)
        accepted = trained.triplets <= best.triplets
        histories.append(trained.history.assign(epoch=trained.history["epoch"] + epoch))
        events.append((*event, accepted))
        if not accepted:
            break
        cluster, best, epoch = proposed, trained, epoch + int(trained.history["epoch"].max()) + 1
    return cluster, best, pd.concat(histories, ignore_index=True), pd.DataFrame(events, columns=ROUND_COLUMNS)
