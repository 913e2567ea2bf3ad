"""Readers of common file formats: .h5ad, 10x .h5, text tables of genes x cells."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import pandas as pd
import scanpy
from scipy import sparse

TEXT = (".csv", ".tsv", ".txt")
CHUNK = 1000  # genes of a text table read at a time


def read_cells(path: str | Path, metadata: str | Path | None = None) -> anndata.AnnData:
    """Read cells x genes, and add the columns of the metadata table, if given, to obs.

    Parameters
    ----------
    path
        .h5ad; 10x .h5; or genes x cells as .csv (comma), .tsv or .txt (tab), optionally with .gz, with gene names in
        the first column and cell ids in the first line. HDF5 formats are recognised by content, not by name.
    metadata
        Text table with the cell ids in the first column; it must contain every cell of `path` and may contain others.
        Required for 10x files and text tables, which do not contain batches.

    Returns
    -------
    AnnData with unique gene names; X as in the file, or CSR float64 for a text table.

    Raises
    ------
    ValueError
        If a file is missing, damaged or of another format, or if its cells are not in the metadata.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: does not exist; check the path")
    if h5py.is_hdf5(path):
        adata, has_obs = _read_hdf5(path)
    elif _suffix(path) in TEXT:
        adata, has_obs = _read_genes_by_cells(path), False
    elif _suffix(path) in (".h5ad", ".h5"):
        raise ValueError(f"{path}: is not an HDF5 file; it may be incomplete or an error page, fetch it again")
    else:
        raise ValueError(f"{path}: unknown format; give .h5ad, 10x .h5, or a .csv, .tsv or .txt table (also .gz)")
    adata.var_names = adata.var_names.astype(str)
    adata.var_names_make_unique()
    if metadata is None and not has_obs:
        raise ValueError(f"{path}: holds no batches; name a table of its cells under the key metadata")
    if metadata is not None:
        _add_metadata(adata, path, Path(metadata))
    return adata


def _suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()


def _read_hdf5(path: Path) -> tuple[anndata.AnnData, bool]:
    """Return the cells and whether the format can store more about them than their ids."""
    try:
        with h5py.File(path) as file:
            is_h5ad = "obs" in file
        return (anndata.read_h5ad(path) if is_h5ad else scanpy.read_10x_h5(path)), is_h5ad
    except Exception as error:  # h5py, anndata and scanpy raise various exceptions for a damaged file
        raise ValueError(f"{path}: is neither a readable .h5ad nor a 10x .h5 file ({error})") from error


def _read_genes_by_cells(path: Path) -> anndata.AnnData:
    blocks, genes = [], []
    try:
        with pd.read_csv(path, sep=_separator(path), index_col=0, chunksize=CHUNK) as chunks:
            for chunk in chunks:
                blocks.append(sparse.csr_matrix(chunk.to_numpy(dtype=float)))
                genes.extend(chunk.index.astype(str))
                cells = chunk.columns
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        needs = "needs genes x cells, numbers only, with gene names in the first column and cell ids in the first line"
        raise ValueError(f"{path}: {needs} ({error})") from error
    if not blocks or not len(cells):
        raise ValueError(f"{path}: holds no values; columns must be separated by {_separator(path)!r}")
    X = sparse.vstack(blocks).T.tocsr()
    return anndata.AnnData(X=X, obs=pd.DataFrame(index=cells.astype(str)), var=pd.DataFrame(index=genes))


def _separator(path: Path) -> str:
    return "," if _suffix(path) == ".csv" else "\t"


def _add_metadata(adata: anndata.AnnData, path: Path, metadata: Path) -> None:
    """Add the rows of the table to obs, matched by cell id."""
    if not metadata.is_file():
        raise ValueError(f"{metadata}: does not exist; check the key metadata")
    table = pd.read_csv(metadata, sep=_separator(metadata), dtype=str)  # as text, because a cell id may be 007
    if isinstance(table.index, pd.RangeIndex):  # otherwise the first column has no name, as from write.table in R
        table = table.set_index(table.columns[0])
    for file, ids in ((path, adata.obs_names), (metadata, table.index)):
        if not ids.is_unique:
            raise ValueError(f"{file}: the cell id {ids[ids.duplicated()][0]!r} stands twice; cells are matched by id")
    unknown = adata.obs_names[~adata.obs_names.isin(table.index)]
    if len(unknown):
        examples = f"{path} has {', '.join(unknown[:3])}; {metadata} has {', '.join(table.index[:3])}"
        raise ValueError(f"{metadata}: lacks {len(unknown)} of the {adata.n_obs} cells of {path} ({examples})")
    for column in table:
        adata.obs[column] = table.loc[adata.obs_names, column]
