"""Parameters of the training that all neural methods share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scbench.parameters import Parameters, number


@dataclass(frozen=True, kw_only=True)
class MinibatchParameters(Parameters):
    """Training on minibatches for a number of epochs.

    Attributes
    ----------
    epochs
        None: chosen by the number of cells, see `scbench.neural.automatic.epochs`.
    batch_size
        Cells in a minibatch.
    learning_rate
        Of Adam.
    """

    epochs: int | None = number(None, 1)
    batch_size: int = number(128, 2)
    learning_rate: float = number(2e-3, above=0, high=1)

    def training(self) -> dict[str, Any]:
        """Arguments of `scbench.neural.training.train`, without the epochs."""
        return {"batch_size": self.batch_size, "learning_rate": self.learning_rate}


@dataclass(frozen=True, kw_only=True)
class TrainingParameters(MinibatchParameters):
    """Training that chooses its epochs and may stop early.

    Attributes
    ----------
    max_steps
        Steps that the automatic number of epochs aims at; None: chosen by the number of cells.
    average
        Decay of a moving average of the weights, which replaces them in the end; 0: none.
    held_out, patience
        Share of the cells kept for early stopping (0: none, all are trained on), and the epochs without improvement
        after which training stops.
    """

    max_steps: int | None = number(None, 1)
    average: float = number(0.0, 0, 0.99999)
    held_out: float = number(0.0, 0, 0.9)
    patience: int = number(30, 1)

    def training(self) -> dict[str, Any]:
        more = {"average": self.average, "held_out": self.held_out, "patience": self.patience}
        return {**super().training(), **more}
