"""Training parameters shared by all neural methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scbench.parameters import Parameters, number


@dataclass(frozen=True, kw_only=True)
class MinibatchParameters(Parameters):
    """Parameters of training on minibatches.

    Attributes
    ----------
    epochs
        Number of epochs; None: depends on the number of cells, see `scbench.neural.automatic.epochs`.
    batch_size
        Number of cells in a minibatch.
    learning_rate
        Learning rate of Adam.
    """

    epochs: int | None = number(None, 1)
    batch_size: int = number(128, 2)
    learning_rate: float = number(2e-3, above=0, high=1)

    def training(self) -> dict[str, Any]:
        """Return the arguments of `scbench.neural.training.train`, without the epochs."""
        return {"batch_size": self.batch_size, "learning_rate": self.learning_rate}


@dataclass(frozen=True, kw_only=True)
class TrainingParameters(MinibatchParameters):
    """Parameters of training with automatic number of epochs and optional early stopping.

    Attributes
    ----------
    max_steps
        Target number of steps for the automatic number of epochs; None: depends on the number of cells.
    average
        Decay of a moving average of the weights, which replaces them after training; 0: no average.
    held_out, patience
        Fraction of the cells held out for early stopping (0: train on all cells), and the number of epochs without
        improvement after which training stops.
    """

    max_steps: int | None = number(None, 1)
    average: float = number(0.0, 0, 0.99999)
    held_out: float = number(0.0, 0, 0.9)
    patience: int = number(30, 1)

    def training(self) -> dict[str, Any]:
        more = {"average": self.average, "held_out": self.held_out, "patience": self.patience}
        return {**super().training(), **more}
