"""Readers of common file formats; docs/how-to/add-a-dataset.md lists them."""

from __future__ import annotations

import zlib
from pathlib import Path

import anndata
import h5py
import pandas as pd
import scanpy

from scbench.datasets.archive import is_archive, unpacked
from scbench.datasets.formats import TEXT_SUFFIXES, ZARR, plain_suffix, separator
from scbench.datasets.mtx_folder import MATRIX, find_matrices, read_mtx_folder
from scbench.datasets.safety import TEXT, UnsafeError, check_gzip, check_hdf5_size, check_zarr, problem_of_hdf5
from scbench.datasets.text_table import read_genes_by_cells

RENAMED_GENES = "renamed_genes"  # key of uns
FORMATS = ".h5ad, .zarr, 10x .h5, a 10x folder with matrix.mtx, a .csv, .tsv or .txt table, or a .tar.gz or .zip of one"


def read_cells(path: str | Path, metadata: str | Path | None = None) -> anndata.AnnData:
    """Read cells x genes, and add the columns of the metadata table, if given, to obs.

    Parameters
    ----------
    path
        .h5ad; .zarr; 10x .h5; 10x matrix.mtx in a folder; genes x cells as .csv (comma), .tsv or .txt (tab), optionally
        with .gz, with gene names in the first column and cell ids in the first line; or a .tar, .tar.gz or .zip with
        one of these. HDF5 formats and archives are recognised by content, not by name.
    metadata
        Text table with the cell ids in the first column; it must contain every cell of `path` and may contain others.
        Required for formats that do not contain batches.

    Returns
    -------
    AnnData with unique gene names, the number of changed ones in uns; X as in the file, or CSR for a text table.

    Raises
    ------
    ValueError
        If a file is missing, damaged or of another format, or if its cells are not in the metadata.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path}: does not exist; check the path")
    adata = _read(path)
    adata.var_names = adata.var_names.astype(str)
    adata.uns[RENAMED_GENES] = int(adata.var_names.duplicated().sum())
    adata.var_names_make_unique()
    if metadata is None and not len(adata.obs.columns):
        raise ValueError(f"{path}: holds no batches; name a table of its cells under the key metadata")
    if metadata is not None:
        _add_metadata(adata, path, Path(metadata))
    return adata


def is_readable(path: Path) -> bool:
    """Return whether a file or folder holds cells in a known format, with or without their batches."""
    try:
        _read(path)
    except ValueError:
        return False
    return True


def _read(path: Path) -> anndata.AnnData:
    if path.is_dir():
        return _read_folder(path)
    if h5py.is_hdf5(path):
        return _read_hdf5(path)
    if plain_suffix(path) in TEXT_SUFFIXES:
        check_gzip(path, TEXT)
        return read_genes_by_cells(path)
    if MATRIX.fullmatch(path.name):
        return read_mtx_folder(path.parent, [path])
    if is_archive(path):
        with unpacked(path) as folder:
            try:
                return _read_folder(folder)
            except ValueError as error:
                raise ValueError(str(error).replace(str(folder), str(path))) from error
    if plain_suffix(path) in (".h5ad", ".h5"):
        raise ValueError(f"{path}: is not an HDF5 file; it may be incomplete or an error page, fetch it again")
    raise ValueError(f"{path}: unknown format; give {FORMATS}")


def _read_folder(folder: Path) -> anndata.AnnData:
    """Read the one dataset in a folder or its subfolders: a zarr store, matrices of 10x, or a file."""
    stores = [folder, *(path for path in sorted(folder.rglob("*.zarr")) if path.is_dir())]
    stores = [path for path in stores if any((path / name).exists() for name in ZARR)]
    if stores:
        return _read_zarr(stores[0])
    if matrices := find_matrices(folder):
        return read_mtx_folder(folder, matrices)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_clutter(path.relative_to(folder))]
    if len(files) != 1:
        found = ", ".join(str(path.relative_to(folder)) for path in files[:5]) or "nothing"
        raise ValueError(
            f"{folder}: holds no matrix.mtx, no .zarr and not one single file, but {found}; give {FORMATS}"
        )
    return _read(files[0])


def _is_clutter(path: Path) -> bool:
    """Return whether an operating system, not a person, put a file into an archive."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _read_zarr(store: Path) -> anndata.AnnData:
    check_zarr(store)
    try:
        return anndata.read_zarr(store)
    except Exception as error:  # zarr and anndata raise various exceptions for a damaged store
        raise ValueError(f"{store}: is not a readable .zarr of AnnData ({error})") from error


def _read_hdf5(path: Path) -> anndata.AnnData:
    try:
        with h5py.File(path) as file:
            if problem := problem_of_hdf5(file):  # before anything is read through a link
                raise UnsafeError(f"{path}: {problem}")
            check_hdf5_size(path, file)
            is_h5ad = "obs" in file
            if is_h5ad and "var" not in file:
                raise ValueError("var is missing")
        return anndata.read_h5ad(path) if is_h5ad else scanpy.read_10x_h5(path)
    except UnsafeError:
        raise
    except Exception as error:  # h5py, anndata and scanpy raise various exceptions for a damaged file
        raise ValueError(f"{path}: is neither a readable .h5ad nor a 10x .h5 file ({error})") from error


def _add_metadata(adata: anndata.AnnData, path: Path, metadata: Path) -> None:
    """Add the rows of the table to obs, matched by cell id."""
    if not metadata.is_file():
        raise ValueError(f"{metadata}: does not exist; check the key metadata")
    check_gzip(metadata)
    try:
        table = pd.read_csv(metadata, sep=separator(metadata), dtype=str)  # as text, because a cell id may be 007
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{metadata}: is not a readable table of cells ({error})") from error
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
