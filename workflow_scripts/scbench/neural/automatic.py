"""Values that a method chooses by the size of the data, where its parameters leave them open (None)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from scbench.parameters import Parameters

FEW_CELLS = 4000  # cells up to which a method takes its settings for few of them
MANY_GENES = 3000
WIDTHS = ((2_000, 16), (20_000, 32), (100_000, 64))  # of the embedding below so many cells; 128 above

P = TypeVar("P", bound=Parameters)


def by_cells(parameters: P, n_cells: int, *, few: Mapping[str, Any], many: Mapping[str, Any]) -> P:
    """Fill what is None: from `few` up to 4,000 cells, from `many` above, the dropout by `dropout`."""
    chosen = {"dropout": dropout(n_cells), **(few if n_cells <= FEW_CELLS else many)}
    is_open = {one.name for one in dataclasses.fields(parameters) if getattr(parameters, one.name) is None}
    return dataclasses.replace(parameters, **{name: value for name, value in chosen.items() if name in is_open})


def epochs(n_cells: int, batch_size: int, max_steps: int) -> int:
    """Epochs that make about `max_steps` steps, between 20 and 400."""
    return min(400, max(20, round(max_steps / math.ceil(n_cells / batch_size))))


def dropout(n_cells: int) -> float:
    """0.3 up to 2,000 cells, then as 1 / n_cells down to 0.1.

    The fewer cells there are, the more often each is seen and learned by heart. Where there are many, strong dropout
    leaves so little of the differences within a type that its states, which no label names, fall apart into clusters.
    """
    return min(0.3, max(0.1, 600 / n_cells))


def hidden_widths(n_genes: int) -> tuple[int, ...]:
    """Two layers of 128, from 3,000 genes on of 1,024 and 512."""
    return (1024, 512) if n_genes >= MANY_GENES else (128, 128)


def embedding_width(n_cells: int) -> int:
    """16, 32, 64 or 128 dimensions of an embedding that is trained with triplets."""
    return next((width for below, width in WIDTHS if n_cells < below), 128)
