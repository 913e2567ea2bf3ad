"""Read one dataset from existing files: processed cells and their raw counts, or cells and embeddings to score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from scbench.checks import is_counts
from scbench.datasets.external import as_embedding
from scbench.datasets.groups import column_of
from scbench.datasets.prepare import prepare
from scbench.datasets.read import read_cells
from scbench.datasets.validate import standardise

LABEL_KEYS = ("cell_type", "celltype")


def read_one_file(
    adata: Path, counts: Path | None, *, batch_key: str, label_key: str | None, settings: dict, marked: bool = True
) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Prepare the cells of `adata` with the raw counts of `counts`; see `scbench.datasets.prepare.prepare`.

    Parameters
    ----------
    adata
        File with the cells and their batches and, if `counts` is None, raw counts in layers["counts"] or X. If it has
        var["highly_variable"], exactly the genes marked there are kept, unless `marked` is false.
    counts
        File with raw counts of at least these cells.
    label_key
        Column of cell types; None: cell_type or celltype, if present.

    Raises
    ------
    ValueError
        If cells have no raw counts, columns are missing or values are not raw counts; the message names the file.
    """
    cells = read_cells(adata)
    source, layer = adata, "counts" if "counts" in cells.layers else None
    raw = cells
    if counts is not None:
        found = read_cells(counts)
        missing = ~cells.obs_names.isin(found.obs_names)
        if missing.any():
            first = cells.obs_names[missing][0]
            raise ValueError(f"{counts}: lacks {missing.sum()} cells of {adata} (the first is {first})")
        raw, source, layer = found[cells.obs_names].copy(), counts, None
        raw.obs = cells.obs.combine_first(raw.obs)
    if label_key is None:
        label_key = next((key for key in LABEL_KEYS if key in raw.obs), None)
    genes = None
    if marked and "highly_variable" in cells.var:
        genes = cells.var_names[cells.var["highly_variable"].astype(bool)]
    standard = standardise(raw, source=source, batch_key=batch_key, label_key=label_key, counts_layer=layer)
    return prepare(standard, **settings, genes=genes)


def read_with_counts(
    path: Path, keys: Sequence[str], *, batch_key: str, label_key: str | None, counts_layer: str | None, settings: dict
) -> tuple[dict[str, np.ndarray], anndata.AnnData, pd.DataFrame]:
    """Read embeddings of one file, and prepare its raw counts as in a benchmark.

    Parameters
    ----------
    keys
        Names in obsm.
    label_key
        Column of cell types; None: there are none.
    counts_layer
        Layer with the raw counts; None: counts, if present, else X.
    settings
        See `scbench.datasets.prepare.prepare`.

    Returns
    -------
    {key: (n_cells, n_dims) float32}, the prepared dataset and the truth; cells without counts are left out.

    Raises
    ------
    ValueError
        If columns, layers or embeddings are missing or hold invalid values; the message names the file.
    """
    adata = _read_with(path, keys)
    prepared, truth = prepare(_standard(adata, path, batch_key, label_key, counts_layer), **settings)
    return _embeddings(adata, path, keys, prepared.obs_names), prepared, truth


def read_with_pca(
    path: Path, keys: Sequence[str], *, batch_key: str, label_key: str | None, pca: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read embeddings of one file without raw counts; `pca` in obsm holds the components before integration.

    Returns
    -------
    {key: (n_cells, n_dims) float32}, and the arguments pca, batch, labels of `scbench.metrics.suite.score_embedding`.
    """
    adata = _read_with(path, [*keys, pca])
    labels = np.full(adata.n_obs, "") if label_key is None else column_of(adata.obs, path, "label_key", label_key)
    return _embeddings(adata, path, keys, adata.obs_names), {
        "pca": _embeddings(adata, path, [pca], adata.obs_names)[pca],
        "batch": column_of(adata.obs, path, "batch_key", batch_key),
        "labels": labels,
    }


def _read_with(path: Path, keys: Sequence[str]) -> anndata.AnnData:
    adata = read_cells(path)
    adata.obs_names_make_unique()
    for key in keys:
        if key not in adata.obsm:
            raise ValueError(f"{path}: obsm '{key}' does not exist; obsm: {', '.join(adata.obsm) or 'none'}")
    return adata


def _embeddings(adata: anndata.AnnData, path: Path, keys: Sequence[str], cells: pd.Index) -> dict[str, np.ndarray]:
    rows = adata.obs_names.get_indexer(cells)
    return {key: as_embedding(f"{path}: obsm '{key}'", np.asarray(adata.obsm[key])[rows], cells) for key in keys}


def _standard(adata: anndata.AnnData, path: Path, batch_key: str, label_key: str | None, layer: str | None):
    """Return the raw counts of a layer, or of layers["counts"] or X."""
    layer = "counts" if layer is None and "counts" in adata.layers else layer
    if layer is None and (adata.X is None or not is_counts(adata.X)):
        layers = f"; layers: {', '.join(adata.layers)}" if adata.layers else ""
        remedy = "name their layer with --counts-layer, or the PCA before integration with --pca"
        raise ValueError(f"{path}: X holds no raw counts; {remedy}{layers}; obsm: {', '.join(adata.obsm)}")
    return standardise(adata, source=path, batch_key=batch_key, label_key=label_key, counts_layer=layer)
