"""What the commands share that give cells to the trained model of a run: options, reading, writing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import anndata

    from scbench.neural.cells import Counts


def of_run() -> argparse.ArgumentParser:
    """Return the options of the commands that use a trained model."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--model", type=Path, required=True, metavar="FOLDER", help="folder of a run, with model.pt")
    parser.add_argument("-o", "--out", type=Path, required=True, help="file to write (.h5ad)")
    return parser


def of_cells() -> argparse.ArgumentParser:
    """Return the options of the commands that are given cells."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--adata", type=Path, required=True, help="cells with raw counts (.h5ad)")
    parser.add_argument("--batch-key", default="batch", help="column of obs with batches (default: batch)")
    parser.add_argument("--counts-layer", default=None, help="layer with raw counts (default: counts, if present, "
                        "else X)")  # fmt: skip
    return parser


def read_state(folder: Path) -> dict[str, Any]:
    """Read model.pt of a run.

    Raises
    ------
    ValueError
        If the folder holds no run, or the method of the run trains no encoder.
    """
    from scbench.analyses.mapping import trained_on
    from scbench.files import read_model, read_record

    if (folder / "model.pt").exists():
        state = read_model(folder / "model.pt")
        trained_on(state)
        return state
    if not (folder / "embedding.h5ad").exists():
        raise ValueError(f"{folder}: holds no model.pt; name the folder of a finished run of a trained method")
    method = read_record(folder / "embedding.h5ad").get("method", "the method")
    remedy = "run it again on all cells together, or use a trained method such as cvae_nb"
    raise ValueError(f"{folder}: {method} leaves no trained encoder to embed new cells with; {remedy}")


def read_query(options: argparse.Namespace, state: dict[str, Any]) -> tuple[anndata.AnnData, Counts, list[str]]:
    """Read the cells of --adata; print how many genes of the model they lack.

    Returns
    -------
    The cells without a matrix, with all columns of obs and batch; their counts with the genes of the model; and the
    names of the missing genes.
    """
    import anndata
    import numpy as np

    from scbench.analyses.mapping import trained_on, with_genes
    from scbench.datasets.read import read_cells
    from scbench.datasets.validate import standardise
    from scbench.neural.cells import Counts

    found = read_cells(options.adata)
    layer = options.counts_layer or ("counts" if "counts" in found.layers else None)
    raw = standardise(
        found, source=options.adata, batch_key=options.batch_key, label_key=None, counts_layer=layer
    )  # without cells that have no counts
    known = trained_on(state)
    try:
        matrix, missing = with_genes(raw.X, list(raw.var_names), known["genes"])
    except ValueError as error:
        raise ValueError(f"{options.adata}: {error}") from None
    if missing:
        names = ", ".join(missing[:10]) + (" and others" if len(missing) > 10 else "")
        of = f"{len(missing)} of {len(known['genes'])} genes of the model"
        print(f"{of} are missing, their counts are set to 0: {names}")
    found.obs_names_make_unique()
    obs = found.obs.loc[raw.obs_names].assign(batch=raw.obs["batch"])
    totals = np.asarray(raw.X.sum(axis=1), dtype=np.float64).ravel()
    return anndata.AnnData(obs=obs), Counts(matrix, known["target_sum"] / totals), missing


def write_cells(path: Path, cells: anndata.AnnData) -> None:
    """Write cells to .h5ad."""
    from scbench.files import atomic

    with atomic(path) as partial:
        cells.write_h5ad(partial, compression="gzip")
