"""Convert the AnnData of a user to the raw format, or report in one sentence what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from anndata.utils import make_index_unique
from scipy import sparse

from scbench.checks import CONDITION, LABEL_PREFIX, is_counts
from scbench.datasets.groups import column_of, kept_cells, pseudotime_of
from scbench.datasets.read import RENAMED_GENES


def standardise(
    adata: anndata.AnnData,
    *,
    source: str | Path,
    batch_key: str,
    label_key: str | Sequence[str] | None,
    counts_layer: str | None,
    condition_key: str | None = None,
    pseudotime_key: str | None = None,
    round_counts: bool = False,
    exclude_batches: Collection[str] = (),
) -> anndata.AnnData:
    """Return raw counts, batch, cell type and condition only, without the cells that have no counts.

    Parameters
    ----------
    source
        Name of the file for error messages.
    batch_key, label_key, condition_key
        Columns of obs; without `label_key` the result has no cell types; with several, the first is the cell type.
        Beside them `pseudotime_key`: numbers, missing for cells outside the trajectory.
    counts_layer
        Layer with the raw counts; None: X.
    round_counts
        Round values that are not whole, such as expected counts or counts corrected for ambient RNA.
    exclude_batches
        Batches to drop before anything else is checked.

    Returns
    -------
    X CSR int32, obs batch, the columns of `truth_of` (categories of str) and pseudotime (float), unique cell and gene
    names, uns dropped_empty_cells (their number), if cells were left out, uns dropped_cells (all their ids), and, if
    names had to be changed, uns notes (sentences).

    Raises
    ------
    ValueError
        If columns, layers or values are missing, or the values are not raw counts.
    """
    kept = kept_cells(adata.obs, source, batch_key, exclude_batches)
    counts = _counts(adata, source, counts_layer, round_counts, kept)
    obs = adata.obs[kept].set_axis(make_index_unique(adata.obs_names[kept].astype(str)))
    filled = counts.getnnz(axis=1) > 0
    if not filled.any():
        raise ValueError(f"{source}: no cell has any counts; check counts_layer")
    var = pd.DataFrame(index=make_index_unique(adata.var_names.astype(str)))
    groups = truth_of(obs, source, label_key=label_key, condition_key=condition_key)
    cells = pd.DataFrame({"batch": column_of(obs, source, "batch_key", batch_key), **groups}, obs.index)
    cells = cells[filled].astype("category")
    if pseudotime_key is not None:
        cells["pseudotime"] = pseudotime_of(obs, source, pseudotime_key)[filled]
    result = anndata.AnnData(X=counts if filled.all() else counts[filled], obs=cells, var=var)
    result.uns["dropped_empty_cells"] = int((~filled).sum())
    twice = {"cell ids": adata.obs_names[kept].duplicated().sum(), "gene names": adata.uns.get(RENAMED_GENES, 0)}
    if notes := [f"{number} {what} stand twice and were numbered" for what, number in twice.items() if number]:
        result.uns["notes"] = np.array(notes)
    if len(dropped := adata.obs_names.astype(str).difference(result.obs_names)):
        result.uns["dropped_cells"] = dropped.to_numpy()
    return result


def truth_of(
    obs: pd.DataFrame, source: str | Path, *, label_key: str | Sequence[str] | None, condition_key: str | None
) -> dict[str, np.ndarray]:
    """Return {column: (n_cells,) str}: cell_type, condition and a label:{level} per level, where there are any."""
    levels = [label_key] if isinstance(label_key, str) else list(label_key or ())
    of_levels = {name: column_of(obs, source, "label_key", name) for name in levels}
    found = {"cell_type": of_levels[levels[0]]} if levels else {}
    if condition_key is not None:
        found[CONDITION] = column_of(obs, source, "condition_key", condition_key)
    if len(levels) > 1:
        found |= {LABEL_PREFIX + name: values for name, values in of_levels.items()}
    return found


def _counts(
    adata: anndata.AnnData, source, counts_layer: str | None, rounded: bool, kept: np.ndarray
) -> sparse.csr_matrix:
    if counts_layer is not None and counts_layer not in adata.layers:
        raise ValueError(f"{source}: counts_layer '{counts_layer}' does not exist; layers: {_listed(adata.layers)}")
    stored = adata.X if counts_layer is None else adata.layers[counts_layer]
    where = "X" if counts_layer is None else f"counts_layer '{counts_layer}'"
    if stored is not None and np.dtype(stored.dtype).kind not in "buif":
        raise ValueError(f"{source}: {where} holds {stored.dtype} values, which are no counts; {_remedy(adata)}")
    try:
        matrix = sparse.csr_matrix((0, 0)) if stored is None else sparse.csr_matrix(stored)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{source}: {where} is an incomplete matrix ({error}); write the file again") from error
    if not kept.all():
        matrix = matrix[kept]
    if rounded:
        matrix.data = np.rint(matrix.data)
    if stored is None or not is_counts(matrix):
        raise ValueError(f"{source}: {where} does not hold raw counts (whole numbers, not negative); {_remedy(adata)}")
    if matrix.nnz and matrix.data.max() > np.iinfo(np.int32).max:
        raise ValueError(f"{source}: a count is above {np.iinfo(np.int32).max}; these are no counts of molecules")
    counts = sparse.csr_matrix(matrix, dtype=np.int32)
    if not (counts.has_canonical_format and counts.data.all()):
        counts = counts.copy()  # may be the matrix of the user
        counts.sum_duplicates()
        counts.eliminate_zeros()
    return counts


def _remedy(adata: anndata.AnnData) -> str:
    layers = [name for name, layer in adata.layers.items() if is_counts(layer)]
    if layers:
        return f"set counts_layer to a layer that does: {_listed(layers)}"
    if adata.X is not None and is_counts(adata.X):
        return "X does: set counts_layer to null"
    if adata.raw is not None and is_counts(adata.raw.X):
        return "adata.raw does: save adata.raw.to_adata() with the same obs as a new file and use that one"
    rounded = "if they are counts corrected for length, collisions or ambient RNA, round_counts: true rounds them"
    return f"no layer does either; give a file with the counts before normalisation, or, {rounded}"


def _listed(names) -> str:
    return ", ".join(map(str, names)) or "none"
