"""Self-training: the clusters of the embedding become the labels of the next round, until they are stable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scbench.graphs.agreement import ari

STABLE = 0.98  # adjusted Rand index with the clusters of the previous round
UNLIKE = 0.7  # the same; below it, the round is rejected
ROUND_COLUMNS = ["round", "epoch", "clusters", "ari_to_last_round", "accepted"]


@dataclass(frozen=True)
class Trained:
    """The embedding (n_cells, n_dims) after a round, the training history, and the content of model.pt."""

    X: np.ndarray
    history: pd.DataFrame
    state: dict[str, Any]

    @property
    def triplets(self) -> float:
        """Number of mined triplets per cell of a minibatch in the last epoch."""
        return float(self.history.loc[self.history["term"] == "triplets", "value"].iloc[-1])


def self_train(
    cluster: np.ndarray,
    *,
    fit: Callable[[np.ndarray, int, dict[str, Any] | None], Trained],
    recluster: Callable[[np.ndarray], np.ndarray],
    rounds: int,
) -> tuple[np.ndarray, Trained, pd.DataFrame, pd.DataFrame]:
    """Train, cluster the embedding, and continue training from the weights for at most `rounds` rounds after the first.

    Training ends if the adjusted Rand index between new and previous clusters reaches 0.98, or if a round is rejected:
    because its clusters collapse to 2 or fewer, the index is below 0.7, or more triplets are mined than before. The
    clusters and weights of a rejected round are discarded.

    Parameters
    ----------
    cluster
        (n_cells,) initial codes.
    fit
        Function from (clusters, round number, initial state) to `Trained`.
    recluster
        Function from an embedding to codes.

    Returns
    -------
    The clusters and the training of the last accepted round; the history of all epochs; and a table with one row per
    round: its number, its first epoch, the number of clusters, their index with the previous round (missing for the
    first), and whether the round was accepted.
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
