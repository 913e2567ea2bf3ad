"""Files with scores in more detail than scores.tsv: per level of cell types, per type and batch, per cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scbench.checks import BY_TYPE_COLUMNS, LEVEL_COLUMNS, Run, check_by_type, check_levels, require
from scbench.files import atomic, read_checked, write_table


def write_levels(path: str | Path, levels: pd.DataFrame) -> None:
    """Write the scores for each of several levels of cell types; no rows if there is one level."""
    check_levels(path, levels)
    write_table(path, levels)


def read_levels(path: str | Path, run: Run | None = None) -> pd.DataFrame:
    return read_checked(path, LEVEL_COLUMNS, ("seed", "value"), check_levels, run)


def write_by_type(path: str | Path, table: pd.DataFrame) -> None:
    """Write the scores per cell type and per batch of one run; a missing value is a score without meaning there."""
    check_by_type(path, table)
    write_table(path, table)


def read_by_type(path: str | Path, run: Run | None = None) -> pd.DataFrame:
    return read_checked(path, BY_TYPE_COLUMNS, ("seed", "value", "cells"), check_by_type, run)


def write_cell_scores(path: str | Path, X: np.ndarray, truth: pd.DataFrame, scores: pd.DataFrame) -> None:
    """Write obsm X_emb, and obs with the truth and the scores of every cell, for plots with scanpy."""
    import anndata

    obs = truth.set_index("cell_id").astype("category")
    require(len(scores) == len(obs) == len(X), path, "there is not one score per cell")
    with atomic(path) as partial:
        anndata.AnnData(obs=obs.assign(**scores), obsm={"X_emb": X}).write_h5ad(partial, compression="gzip")
