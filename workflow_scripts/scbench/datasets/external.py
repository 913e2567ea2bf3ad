"""Embeddings made elsewhere: their formats, and their rows in the order of a dataset, matched by cell id.

Heavy libraries are imported where they are used, because the configuration is checked with this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scbench.datasets.safety import problem_of_hdf5
from scbench.parameters import ParameterError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TEXT = {".csv": ",", ".tsv": "\t"}  # separators
KEYS = {".h5ad": "obsm", ".npy": "ids"}  # what a format needs besides the path
FORMATS = (*TEXT, *(f"{suffix}.gz" for suffix in TEXT), ".parquet", *KEYS)
NOT_A_NUMBER = ["", "NA", "NaN", "nan", "None", "null"]


def check_source(settings: Mapping[str, str]) -> None:
    """Check what can be known of an embedding made elsewhere without reading it.

    Parameters
    ----------
    settings
        path and, if the format needs it, obsm (.h5ad) or ids (.npy).

    Raises
    ------
    ParameterError
        If the format is unknown, a key is missing or too much, or a file or the array in a .h5ad file does not exist.
    """
    path = settings["path"]
    suffix = format_of(path)
    if suffix not in FORMATS:
        raise ParameterError(f"path: {path} has an unknown format; known: {', '.join(FORMATS)}")
    for of, key in KEYS.items():
        if of == suffix and key not in settings:
            what = "the array with the embedding" if key == "obsm" else "a file with one cell id per line"
            raise ParameterError(f"{key}: is missing; {path} needs {what}")
        if of != suffix and key in settings:
            raise ParameterError(f"{key}: belongs to {of} files only, and {path} is none; remove it")
    for key, file in files_of(settings).items():
        if not Path(file).is_file():
            raise ParameterError(f"{key}: the file {file} does not exist; correct the path")
    if suffix == ".h5ad":
        with suppress(ImportError):  # the environment that Snakemake runs in may lack h5py; the job checks it, too
            _check_obsm(path, settings["obsm"])


def files_of(settings: Mapping[str, str]) -> dict[str, str]:
    """Return {key: path} for the files of an embedding made elsewhere."""
    return {key: settings[key] for key in ("path", "ids") if key in settings}


def format_of(path: str | Path) -> str:
    """Return the suffix that tells the format, .csv.gz included."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    return "".join(suffixes[-2:] if suffixes[-1:] == [".gz"] else suffixes[-1:])


def read_external(settings: Mapping[str, str], cells: pd.Index, source: pd.Index) -> np.ndarray:
    """Read an embedding made elsewhere as (n_cells, n_dims) float32, rows in the order of `cells`.

    Parameters
    ----------
    settings
        See `check_source`.
    cells
        Cells of the prepared dataset; the file must hold all of them, in any order.
    source
        All cells of the dataset's source, also those that were left out; the file must not hold any other.

    Raises
    ------
    ValueError
        If cells are missing, unknown or twice in the file, or values are not finite; the message names the first ones.
    """
    path, suffix = settings["path"], format_of(settings["path"])
    if suffix == ".h5ad":
        ids, X = _read_h5ad(path, settings["obsm"])
    elif suffix == ".npy":
        ids, X = _read_npy(path, settings["ids"])
    else:
        ids, X = _read_parquet(path) if suffix == ".parquet" else _read_text(path)
    if not ids.is_unique:
        twice = _named(ids[ids.duplicated()].unique())
        raise ValueError(f"{path}: has several rows for {twice}; cells are matched by id, so give each cell one row")
    missing, foreign = cells[~cells.isin(ids)], ids[~ids.isin(source)]
    if len(missing) == len(cells):
        raise ValueError(f"{path}: has no cell of the dataset; it has {_named(ids)}, the dataset has {_named(cells)}")
    if len(missing):
        raise ValueError(f"{path}: lacks {_named(missing)} of the dataset; all of its {len(cells)} cells are needed")
    if len(foreign):
        raise ValueError(f"{path}: has {_named(foreign)} that the dataset does not have; remove other cells")
    return as_embedding(path, X[ids.get_indexer(cells)], cells)


def as_embedding(where: str | Path, X: np.ndarray, cells: pd.Index) -> np.ndarray:
    """Return an array as float32 if it is (n_cells, n_dims) and finite; `where` names it in error messages."""
    import numpy as np

    if X.ndim != 2 or X.shape[1] == 0 or X.dtype.kind not in "fiu":
        raise ValueError(f"{where}: is {X.dtype} of shape {X.shape}; numbers of shape (cells, dimensions) are needed")
    with np.errstate(over="ignore"):
        single = X.astype(np.float32)
    broken = cells[~np.isfinite(single).all(axis=1)]
    if len(broken):
        raise ValueError(f"{where}: has values that are not finite (NaN or inf) in {_named(broken)}; compute it again")
    return single


# ---- formats: each gives the cell ids and the values of the rows


def _read_text(path: str) -> tuple[pd.Index, np.ndarray]:
    """Read a table with a first line of names; the cell ids in the first column are text, such as 007."""
    import pandas as pd

    sep = TEXT[format_of(path).removesuffix(".gz")]
    try:
        width = pd.read_csv(path, sep=sep, header=None, skiprows=1, nrows=1).shape[1]
        missing = {column: NOT_A_NUMBER for column in range(1, width)}
        table = pd.read_csv(path, sep=sep, header=None, skiprows=1, dtype={0: str}, keep_default_na=False,
                            na_values=missing, float_precision="round_trip", low_memory=False)  # fmt: skip
    except (ValueError, OSError, EOFError) as error:  # pandas' parser errors are ValueErrors
        needs = f"needs a first line of names, then one line per cell, separated by {sep!r}, with the cell id first"
        raise ValueError(f"{path}: {needs} ({error})") from error
    return _split(path, table)


def _read_parquet(path: str) -> tuple[pd.Index, np.ndarray]:
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pyarrow's errors are ValueErrors
        raise ValueError(f"{path}: is not a readable .parquet file ({error}); write it again") from error
    return _split(path, table)


def _split(path: str, table: pd.DataFrame) -> tuple[pd.Index, np.ndarray]:
    """Split a table into the cell ids, which are its index or else its first column, and the values."""
    import pandas as pd
    from pandas.api.types import is_numeric_dtype

    if isinstance(table.index, pd.RangeIndex) and table.shape[1]:
        table = table.set_index(table.columns[0])
    if not table.shape[1]:
        raise ValueError(f"{path}: has no column besides the cell ids; check the separator")
    for column in table.columns[[not is_numeric_dtype(kind) for kind in table.dtypes]]:
        text = table[column][pd.to_numeric(table[column], errors="coerce").isna()]
        where = f"'{text.iloc[0]}' for cell {text.index[0]}" if len(text) else f"text in column '{column}'"
        raise ValueError(f"{path}: holds {where}; only numbers may follow the cell ids")
    return table.index.astype(str), table.to_numpy(dtype=float, na_value=float("nan"))


def _read_npy(path: str, ids: str) -> tuple[pd.Index, np.ndarray]:
    import numpy as np
    import pandas as pd

    try:
        X = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path}: is not a .npy file of numbers ({error})") from error
    lines = Path(ids).read_text(encoding="utf-8").splitlines()
    if X.ndim == 0 or len(lines) != len(X):
        raise ValueError(
            f"{ids}: has {len(lines)} lines for {path} of shape {X.shape}; give one cell id per row, no header"
        )
    return pd.Index(lines), X


def _read_h5ad(path: str, obsm: str) -> tuple[pd.Index, np.ndarray]:
    import h5py
    import numpy as np
    from anndata.io import read_elem

    _check_obsm(path, obsm)
    with h5py.File(path) as file:
        return read_elem(file["obs"]).index.astype(str), np.asarray(read_elem(file["obsm"][obsm]))


def _check_obsm(path: str, obsm: str) -> None:
    import h5py

    if not h5py.is_hdf5(path):
        raise ParameterError(f"path: {path} is not an HDF5 file; it may be incomplete, write it again")
    with h5py.File(path) as file:
        if problem := problem_of_hdf5(file):
            raise ParameterError(f"path: {path} {problem}")
        known = list(file.get("obsm", []))
    if obsm not in known:
        raise ParameterError(f"obsm: '{obsm}' is not in {path}; obsm: {', '.join(known) or 'none'}")


def _named(ids: pd.Index) -> str:
    """Return the number of cells and the first few of them in words."""
    more = ", ..." if len(ids) > 3 else ""
    return f"{len(ids)} {'cell' if len(ids) == 1 else 'cells'} ({', '.join(map(str, ids[:3]))}{more})"
