"""Read one dataset from existing files: processed cells and their raw counts."""

from __future__ import annotations

from pathlib import Path

import anndata
import pandas as pd

from scbench.datasets.prepare import prepare
from scbench.datasets.read import read_cells
from scbench.datasets.validate import standardise

LABEL_KEYS = ("cell_type", "celltype")


def read_one_file(
    adata: Path, counts: Path | None, *, batch_key: str, label_key: str | None, settings: dict
) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Prepare the cells of `adata` with the raw counts of `counts`; see `scbench.datasets.prepare.prepare`.

    Parameters
    ----------
    adata
        File with the cells and their batches and, if `counts` is None, raw counts in layers["counts"] or X. If it has
        var["highly_variable"], exactly the genes marked there are kept.
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
    marked = None
    if "highly_variable" in cells.var:
        marked = cells.var_names[cells.var["highly_variable"].astype(bool)]
    standard = standardise(raw, source=source, batch_key=batch_key, label_key=label_key, counts_layer=layer)
    return prepare(standard, **settings, genes=marked)
