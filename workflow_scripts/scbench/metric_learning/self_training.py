"""Self-training: the clusters of the learned space become the labels of the next round, until they are stable."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scbench.graphs.agreement import ari
from scbench.types import HISTORY_COLUMNS

STABLE = 0.98  # adjusted Rand index to the clusters of the last round
UNLIKE = 0.7  # the same: too low to be a correction


@dataclass(frozen=True)
class Trained:
    """The embedding (n_cells, n_dims) after a round, the history of its training, the weights."""

    X: np.ndarray
    history: pd.DataFrame
    state: dict

    @property
    def triplets(self) -> float:
        """Mined triplets per cell of a minibatch in the last epoch."""
        return float(self.history.loc[self.history["term"] == "triplets", "value"].iloc[-1])


def self_train(
    cluster: np.ndarray,
    *,
    fit: Callable[[np.ndarray, int, dict | None], Trained],
    recluster: Callable[[np.ndarray], np.ndarray],
    rounds: int,
) -> tuple[np.ndarray, Trained, pd.DataFrame]:
    """Train, cluster the embedding, train on from the weights, for at most `rounds` rounds after the first.

    Ends when the new clusters have an adjusted Rand index of 0.98 to the last ones, and when a round is rejected: its
    clusters collapse to 2 or fewer, their index is below 0.7, or more triplets are mined after it than before. What a
    rejected round did to clusters and weights is undone.

    Parameters
    ----------
    cluster
        (n_cells,) codes to start from.
    fit
        (clusters, number of the round, weights to start from) to `Trained`.
    recluster
        Embedding to codes.

    Returns
    -------
    The clusters and the training of the last round that stands; the history of all epochs. At the epoch a round begins
    with it also holds `clusters` (their number), `ari_to_last_round` and `accepted` (1 or 0).
    """
    best = fit(cluster, 0, None)
    histories = [best.history, _row(0, clusters=cluster.max() + 1, accepted=1)]
    epoch = int(best.history["epoch"].max()) + 1
    for number in range(1, rounds + 1):
        proposed = recluster(best.X)
        n_clusters, agreement = int(proposed.max()) + 1, ari(proposed, cluster)
        known = {"clusters": n_clusters, "ari_to_last_round": agreement}
        if n_clusters <= 2 < cluster.max() + 1 or agreement < UNLIKE:
            histories.append(_row(epoch, **known, accepted=0))
            break
        if agreement >= STABLE:
            histories.append(_row(epoch, **known, accepted=1))
            break
        trained = fit(proposed, number, best.state)
        accepted = trained.triplets <= best.triplets
        histories.append(trained.history.assign(epoch=trained.history["epoch"] + epoch))
        histories.append(_row(epoch, **known, accepted=accepted))
        if not accepted:
            break
        cluster, best, epoch = proposed, trained, epoch + int(trained.history["epoch"].max()) + 1
    history = pd.concat(histories, ignore_index=True).sort_values("epoch", kind="stable", ignore_index=True)
    return cluster, best, history


def _row(epoch: int, **terms: float) -> pd.DataFrame:
    return pd.DataFrame([(epoch, name, float(value)) for name, value in terms.items()], columns=HISTORY_COLUMNS)
