"""Defaults that depend on the size of the dataset, for parameters that are None."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from scbench.parameters import Parameters

FEW_CELLS, MANY_CELLS = 2500, 6400  # settings for few cells, for many, and in between; geometric mean: 4,000
MANY_GENES = 3000
WIDTHS = ((2_000, 16), (20_000, 32), (100_000, 64))  # (below so many cells, width of the embedding); 128 above

P = TypeVar("P", bound=Parameters)


def by_cells(parameters: P, n_cells: int, *, few: Mapping[str, Any], many: Mapping[str, Any]) -> P:
    """Fill parameters that are None: from `few` up to 2,500 cells, from `many` above 6,400, and dropout from `dropout`.

    In between, numbers change as a power of the number of cells; what is not a number changes above 4,000 cells.
    """
    share = math.log(max(n_cells, 1) / FEW_CELLS) / math.log(MANY_CELLS / FEW_CELLS)
    share = round(min(1.0, max(0.0, share)), 9)
    chosen = {"dropout": dropout(n_cells), **{name: _between(few[name], many.get(name), share) for name in few}}
    is_open = {one.name for one in dataclasses.fields(parameters) if getattr(parameters, one.name) is None}
    return dataclasses.replace(parameters, **{name: value for name, value in chosen.items() if name in is_open})


def _between(few: Any, many: Any, share: float) -> Any:
    """Return the value at a share in [0, 1] of the way from `few` to `many`; integers stay integers."""
    if few == many or share in (0.0, 1.0) or isinstance(few, str):
        return many if share > 0.5 else few
    value = few * (many / few) ** share
    return round(value) if isinstance(few, int) else value


def epochs(n_cells: int, batch_size: int, max_steps: int) -> int:
    """Return the number of epochs that give about `max_steps` steps, between 20 and 400."""
    return min(400, max(20, round(max_steps / math.ceil(n_cells / batch_size))))


def dropout(n_cells: int) -> float:
    """Return the dropout rate: 0.3 up to 2,000 cells, then proportional to 1 / n_cells down to 0.1.

    With few cells, each cell is seen often and the model overfits. With many cells, strong dropout removes so much of
    the variation within a type that its unlabelled states split into separate clusters.
    """
    return min(0.3, max(0.1, 600 / n_cells))


def hidden_widths(n_genes: int) -> tuple[int, ...]:
    """Return the widths of the hidden layers: 128 and 128, or 1,024 and 512 from 3,000 genes on."""
    return (1024, 512) if n_genes >= MANY_GENES else (128, 128)


def embedding_width(n_cells: int) -> int:
    """Return the number of dimensions of an embedding trained with triplets: 16, 32, 64 or 128."""
    return next((width for below, width in WIDTHS if n_cells < below), 128)
