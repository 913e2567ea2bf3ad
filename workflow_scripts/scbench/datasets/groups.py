"""Columns of cells with names of groups: batches, cell types, conditions."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

REMEDIES = {
    "batch_key": "or name their batch",
    "label_key": "or set label_key to null to score without labels",
    "condition_key": "or leave condition_key out",
}
# What pandas and R write for a missing value; a table with such a name is read back with a hole.
MISSING = {"", "nan", "-nan", "na", "n/a", "<na>", "#n/a", "#na", "null", "none"}
MIN_CELLS = 50  # of a dataset; fewer do not hold the neighbours that metrics and methods search
MIN_CELLS_OF_BATCH = 3
LEAST_CELLS = 20  # from which on the number of groups tells whether a column holds groups


def require_column(known: Collection[str], source: str | Path, key: str, column: str) -> None:
    """Raise ValueError if a column is not among the known ones."""
    if column not in known:
        listed = ", ".join(map(str, known)) or "none"
        raise ValueError(f"{source}: {key} '{column}' is no column of obs; columns: {listed}")


def check_sizes(batch: np.ndarray, source: str | Path) -> None:
    """Raise ValueError if there are fewer than 50 cells or a batch has fewer than 3; `batch` is (n_cells,) text."""
    if len(batch) < MIN_CELLS:
        raise ValueError(f"{source}: {len(batch)} cells are too few for a benchmark; at least {MIN_CELLS} are needed")
    sizes = pd.Series(batch).value_counts().sort_index()
    if small := [f"{name} ({cells})" for name, cells in sizes.items() if cells < MIN_CELLS_OF_BATCH]:
        words = f"batches of fewer than {MIN_CELLS_OF_BATCH} cells cannot be corrected or scored"
        remedy = "list them under exclude_batches, or join them with another batch"
        raise ValueError(f"{source}: {words}: {', '.join(small)}; {remedy}")


def column_of(obs: pd.DataFrame, source: str | Path, key: str, column: str) -> np.ndarray:
    """Return a column of obs as text, (n_cells,); `key` names it in error messages.

    Raises
    ------
    ValueError
        If there is no such column, values are missing or read as missing, or the values are no groups: numbers that are
        not whole, or about as many values as cells.
    """
    require_column(obs, source, key, column)
    values = obs[column]
    if isinstance(values, pd.DataFrame):
        raise ValueError(f"{source}: {key} '{column}' is the name of {values.shape[1]} columns of obs; rename them")
    codes, groups = pd.factorize(values)  # text is slow for many cells, not for their groups
    names = pd.Series(groups).astype(str).to_numpy(dtype=object)
    read = [str(name).strip().lower() for name in names]
    cells = np.bincount(codes[codes >= 0], minlength=len(names))
    if missing := len(values) - sum(n for n, name in zip(cells, read, strict=True) if name):
        where = f"has no value for {missing} cells; remove these cells {REMEDIES[key]}"
        raise ValueError(f"{source}: {key} '{column}' {where}")
    if holes := [place for place, name in enumerate(read) if name in MISSING]:
        where = f"has the name {names[holes[0]]!r} for {cells[holes].sum()} cells, which reads as a missing value"
        raise ValueError(f"{source}: {key} '{column}' {where}; rename the group, remove these cells {REMEDIES[key]}")
    if pd.api.types.is_float_dtype(values.dtype) and not (np.mod(groups, 1) == 0).all():
        where = f"holds numbers that are not whole, such as {groups[np.mod(groups, 1) != 0][0]:g}"
        raise ValueError(f"{source}: {key} '{column}' {where}; name a column of groups of cells")
    if len(values) >= LEAST_CELLS and len(groups) > len(values) / 2:
        where = f"has {len(groups)} different values for {len(values)} cells"
        raise ValueError(f"{source}: {key} '{column}' {where}; name a column of groups, not of single cells")
    return names[codes]


def pseudotime_of(obs: pd.DataFrame, source: str | Path, column: str, *, partial: bool = False) -> np.ndarray:
    """Return a column of obs as numbers, (n_cells,) float64, which are nan for cells outside the trajectory.

    With `partial`, obs holds the first cells only, which may all be outside it.

    Raises
    ------
    ValueError
        If there is no such column, it does not hold finite numbers, or fewer than two different ones.
    """
    require_column(obs, source, "pseudotime_key", column)
    values = pd.to_numeric(obs[column].astype(object), errors="coerce").to_numpy(float)
    if (bad := obs[column].notna().to_numpy() & ~np.isfinite(values)).any():
        where = f"holds {obs[column][bad].iloc[0]!r}, which is no finite number"
        raise ValueError(f"{source}: pseudotime_key '{column}' {where}; leave cells outside the trajectory empty")
    if not partial and len(np.unique(values[np.isfinite(values)])) < 2:
        raise ValueError(
            f"{source}: pseudotime_key '{column}' has fewer than two different values; name another column"
        )
    return values


def kept_cells(obs: pd.DataFrame, source: str | Path, batch_key: str, excluded: Collection[str]) -> np.ndarray:
    """Return which cells are in none of the batches `exclude_batches`, (n_cells,) bool.

    Raises
    ------
    ValueError
        If one of them is no batch.
    """
    if not excluded or batch_key not in obs:
        return np.ones(len(obs), dtype=bool)
    batch = obs[batch_key].astype(str)
    if unknown := sorted(set(excluded) - set(batch)):
        known = ", ".join(sorted(set(batch)))
        raise ValueError(
            f"{source}: exclude_batches names {', '.join(unknown)}, which is no batch; batches: {known or 'none'}"
        )
    return ~batch.isin(list(excluded)).to_numpy()
