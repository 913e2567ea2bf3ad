"""Select cells before anything is computed from them: a stratified subset, a batch without a batch effect."""

from __future__ import annotations

import hashlib

import anndata
import numpy as np
import pandas as pd

SEED = 0
MIN_CELLS = 50  # of a batch that is split


def select(
    raw: anndata.AnnData, *, max_cells: int | None = None, null_split: bool = False
) -> tuple[anndata.AnnData, dict[str, str | bool]]:
    """Return the selected cells in their order, and the record of the selection for uns: selection, null_split.

    Which cells are selected depends on their ids and groups and on a fixed seed, not on their order.

    Parameters
    ----------
    raw
        See `scbench.files.write_raw`.
    max_cells
        Largest number of cells; see `stratified`. None: all.
    null_split
        Take the largest batch only and split it at random into the batches null_1 and null_2 of equal size.

    Raises
    ------
    ValueError
        If there are fewer than 50 cells to split, or fewer `max_cells` than combinations of batch and cell type.
    """
    notes = []
    if null_split:
        sizes = raw.obs["batch"].astype(str).value_counts().sort_index()
        largest = sizes.idxmax()
        if sizes[largest] < MIN_CELLS:
            raise ValueError(f"null_split: the largest batch has {sizes[largest]} cells; {MIN_CELLS} are needed")
        raw = raw[(raw.obs["batch"].astype(str) == largest).to_numpy()].copy()
        first = np.argsort(np.argsort(_random(raw.obs_names, "null_split"))) < raw.n_obs / 2
        raw.obs["batch"] = pd.Categorical(np.where(first, "null_1", "null_2"))
        notes.append(f"batch {largest}, split at random into two")
    if max_cells is not None and raw.n_obs > max_cells:
        groups = raw.obs["batch"].astype(str)
        if "cell_type" in raw.obs:
            groups = groups + "\t" + raw.obs["cell_type"].astype(str)
        notes.append(f"{max_cells} of {raw.n_obs} cells, stratified by batch and cell type, seed {SEED}")
        raw = raw[stratified(raw.obs_names, groups.to_numpy(), max_cells)].copy()
    return raw, {"selection": "; ".join(notes) or "all cells", "null_split": null_split}


def stratified(cell_ids: pd.Index, groups: np.ndarray, max_cells: int) -> np.ndarray:
    """Return whether a cell is in the subset of `max_cells` cells, (n_cells,) bool.

    Every group keeps one cell, and the others are shared out in proportion to the groups' remaining cells.
    """
    names, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if max_cells < len(names):
        found = f"{len(names)} combinations of batch and cell type"
        raise ValueError(f"max_cells: {max_cells} cells do not hold one of each of {found}; raise max_cells")
    exact = (max_cells - len(names)) * (sizes - 1) / max(len(groups) - len(names), 1)
    kept = 1 + np.floor(exact).astype(int)
    kept[np.argsort(np.floor(exact) - exact, kind="stable")[: max_cells - kept.sum()]] += 1
    order = np.lexsort((_random(cell_ids, "max_cells"), codes))
    rank = np.empty(len(groups), dtype=int)
    rank[order] = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return rank < kept[codes]


def _random(cell_ids: pd.Index, purpose: str) -> np.ndarray:
    """Return a random number per cell that depends on its id only, (n_cells,) uint64."""
    digests = [hashlib.blake2b(f"{SEED} {purpose} {id_}".encode(), digest_size=8).digest() for id_ in cell_ids]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
