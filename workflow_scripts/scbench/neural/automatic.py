"""Values that a method chooses by the number of cells, where its parameters leave them open."""

from __future__ import annotations

import math

import numpy as np

SMALL = 4000  # cells up to which a method takes its settings for few of them


def automatic_epochs(n_cells: int, batch_size: int, max_steps: int) -> int:
    """Epochs that make about `max_steps` steps, between 20 and 400."""
    return int(np.clip(round(max_steps / math.ceil(n_cells / batch_size)), 20, 400))


def automatic_dropout(n_cells: int) -> float:
    """0.3 up to 2,000 cells, then as 1 / n_cells down to 0.1.

    The fewer cells, the more often each is seen and learned by heart. Where there are many, strong dropout leaves so
    little of the differences within a type that its states, which no label names, fall apart into clusters.
    """
    return float(np.clip(600 / n_cells, 0.1, 0.3))
