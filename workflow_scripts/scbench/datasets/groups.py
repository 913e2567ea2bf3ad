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
LEAST_CELLS = 20  # from which on the number of groups tells whether a column holds groups


def column_of(obs: pd.DataFrame, source: str | Path, key: str, column: str) -> np.ndarray:
    """Return a column of obs as text, (n_cells,); `key` names it in error messages.

    Raises
    ------
    ValueError
        If there is no such column, values are missing or read as missing, or the values are no groups: numbers that are
        not whole, or about as many values as cells.
    """
    if column not in obs:
        raise ValueError(
            f"{source}: {key} '{column}' is no column of obs; columns: {', '.join(map(str, obs)) or 'none'}"
        )
    values = obs[column]
    if isinstance(values, pd.DataFrame):
        raise ValueError(f"{source}: {key} '{column}' is the name of {values.shape[1]} columns of obs; rename them")
    names = values.astype(str)
    read = names.str.strip().str.lower()
    if missing := int((values.isna() | (read == "")).sum()):
        where = f"has no value for {missing} cells; remove these cells {REMEDIES[key]}"
        raise ValueError(f"{source}: {key} '{column}' {where}")
    hole = read.isin(MISSING)
    if hole.any():
        where = f"has the name {names[hole].iloc[0]!r} for {int(hole.sum())} cells, which reads as a missing value"
        raise ValueError(f"{source}: {key} '{column}' {where}; rename the group, remove these cells {REMEDIES[key]}")
    if pd.api.types.is_float_dtype(values.dtype) and not (np.mod(values, 1) == 0).all():
        where = f"holds numbers that are not whole, such as {values[np.mod(values, 1) != 0].iloc[0]:g}"
        raise ValueError(f"{source}: {key} '{column}' {where}; name a column of groups of cells")
    n_groups = names.nunique()
    if len(names) >= LEAST_CELLS and n_groups > len(names) / 2:
        where = f"has {n_groups} different values for {len(names)} cells"
        raise ValueError(f"{source}: {key} '{column}' {where}; name a column of groups, not of single cells")
    return names.to_numpy(dtype=object)


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
