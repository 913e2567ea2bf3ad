"""One round of self-training: training continues from the weights of the previous round with new clusters."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from scbench.metric_learning.network import MixingNetwork
from scbench.metric_learning.parameters import SelfTrainingParameters
from scbench.metric_learning.scaling import BatchScaling
from scbench.metric_learning.self_training import Trained
from scbench.metric_learning.triplets import balanced_minibatches
from scbench.neural.fit import fit
from scbench.seeding import generator, seed_torch
from scbench.types import Dataset


class RoundTrainer:
    """Train a `MixingNetwork` round by round on the cells of `data`."""

    def __init__(
        self, data: Dataset, scaling: BatchScaling, options: SelfTrainingParameters, *, seed: int, device: str
    ) -> None:
        self.data = data
        self.options, self.seed, self.device = options, seed, device
        seed_torch(seed)
        self.model = MixingNetwork(options, n_batches=len(scaling.mean), n_genes=data.X.shape[1])
        self.model.start_at(scaling)

    def fit(self, cluster: np.ndarray, number: int, state: dict[str, Any] | None) -> Trained:
        """Train round `number` (0: the first) on clusters (n_cells,), starting from the weights of `state` if given."""
        p = self.options
        if state is not None:
            self.model.load_state_dict(state["weights"])
        of_round = replace(
            p,
            epochs=min(p.round_epochs, p.epochs) if number else p.epochs,
            learning_rate=p.learning_rate * 0.5**number,
        )
        weights = {"triplet_loss": 1.0, "mmd": p.mmd, "flatness": p.flatness}
        checkpoint = self.data.checkpoint and self.data.checkpoint.stage(f"round_{number}")
        found = fit(
            replace(self.data, checkpoint=checkpoint),
            lambda: self.model,
            of_round,
            columns={"x": self.data.X, "batch": self.data.batch, "cluster": cluster},
            weights=lambda progress: weights,
            seed=int(generator(self.seed, f"round {number}").integers(2**31)),
            device=self.device,
            weight_decay=0.0,
            sampler=balanced_minibatches(cluster, self.data.batch, p.batch_size) if p.balanced else None,
        )
        assert found.history is not None
        return Trained(found.X, found.history, copy.deepcopy(found.model or {}))
