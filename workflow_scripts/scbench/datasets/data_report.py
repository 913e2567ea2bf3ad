"""Report on the raw counts of a dataset: its numbers, and what in them is doubtful. What cannot be right is refused."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from scbench.datasets.groups import check_sizes
from scbench.datasets.plausibility import PROFILES, doubts_about_counts, doubts_about_groups, refuse


def data_report(raw: anndata.AnnData) -> dict[str, Any]:
    """Describe the cells that the methods receive.

    Parameters
    ----------
    raw
        Counts of all genes after the selection of cells; see `scbench.files.write_raw`.

    Returns
    -------
    cells, genes; counts_per_cell and genes_per_cell {min, median, max}; largest_count; share_of_zeros; batches and
    cell_types {name: cells}; cells_of_types {batch: {type: cells}}; shared_types (cell types in several batches, None
    without cell types); cramers_v (association of batch and cell type: 0 none, 1 each tells the other; None without
    cell types or with one group); repeated_cells (cells with the counts of an earlier cell); warnings (sentences).

    Raises
    ------
    ValueError
        If there are fewer than 50 cells, a batch has fewer than 3, the values cannot be counts of molecules, most cells
        stand twice, or every batch is a cell type of its own.
    """
    counts = sparse.csr_matrix(raw.X)
    check_sizes(raw.obs["batch"].astype(str).to_numpy(), "the selected cells")
    totals, detected = np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel(), np.diff(counts.indptr)
    batch = raw.obs["batch"].astype(str)
    types = raw.obs["cell_type"].astype(str) if "cell_type" in raw.obs else None
    table = pd.crosstab(batch, batch if types is None else types)
    report: dict[str, Any] = {
        "cells": raw.n_obs,
        "genes": raw.n_vars,
        "counts_per_cell": _spread(totals),
        "genes_per_cell": _spread(detected),
        "largest_count": int(counts.data.max(initial=0)),
        "share_of_zeros": round(1 - counts.nnz / max(raw.n_obs * raw.n_vars, 1), 4),
        "batches": _sizes(batch),
        "cell_types": {} if types is None else _sizes(types),
        "cells_of_types": {} if types is None else table.T.to_dict(),
        "shared_types": None if types is None else int(((table > 0).sum() > 1).sum()),
        "cramers_v": None if types is None else _association(table),
        "repeated_cells": repeated_cells(counts),
    }
    refuse(report, counts)
    doubts = [*map(str, raw.uns.get("notes", ())), *doubts_about_counts(report, counts, totals, raw)]
    return report | {"warnings": [*doubts, *doubts_about_groups(report)]}


def repeated_cells(counts: sparse.csr_matrix) -> int:
    """Return the number of cells with the same counts as an earlier cell; cells with few genes are left out."""
    seen: Counter[bytes] = Counter()
    for start, end in zip(counts.indptr[:-1], counts.indptr[1:], strict=True):
        if end - start >= PROFILES:
            digest = hashlib.blake2b(counts.indices[start:end].tobytes(), digest_size=16)
            digest.update(counts.data[start:end].tobytes())
            seen[digest.digest()] += 1
    return sum(seen.values()) - len(seen)


def _association(table: pd.DataFrame) -> float | None:
    """Return Cramer's V of two groupings, from their contingency table of counts."""
    smaller = min(table.shape) - 1
    if smaller < 1:
        return None
    observed = table.to_numpy(dtype=float)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    chi_square = ((observed - expected) ** 2 / expected).sum()
    return round(float(np.sqrt(chi_square / observed.sum() / smaller)), 4)


def _sizes(names: pd.Series) -> dict[str, int]:
    return {str(name): int(cells) for name, cells in names.value_counts().sort_index().items()}


def _spread(values: np.ndarray) -> dict[str, float]:
    return {"min": float(values.min()), "median": float(np.median(values)), "max": float(values.max())}
