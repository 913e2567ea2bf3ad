"""Look into .h5ad and 10x .h5 files without reading them: columns of obs, shapes, a sample of the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

SAMPLE = 20_000  # values or rows that are read at a place
Element = Any  # h5py.Group or h5py.Dataset


@dataclass(frozen=True)
class Glimpse:
    """What is known of a .h5ad file.

    Attributes
    ----------
    n_cells, n_genes
        Lengths of the indices of obs and var.
    columns
        Columns of obs.
    layers
        {name: matrix} of the layers, and X under the name "" if there is one.
    """

    path: Path
    file: h5py.File
    n_cells: int
    n_genes: int
    columns: list[str]
    layers: dict[str, Element]

    @classmethod
    def of(cls, path: Path, file: h5py.File) -> Glimpse:
        """Look at an open file.

        Raises
        ------
        ValueError
            If obs or var has no index.
        """
        sizes = {name: _length(path, file, name) for name in ("obs", "var")}
        layers = {name: file[f"layers/{name}"] for name in file.get("layers", [])}
        layers |= {"": file["X"]} if "X" in file else {}
        obs = file["obs"]
        names = obs.dtype.names if isinstance(obs, h5py.Dataset) else obs.attrs.get("column-order", list(obs))
        columns = [name.decode() if isinstance(name, bytes) else str(name) for name in names]
        return cls(path, file, sizes["obs"], sizes["var"], columns, layers)

    def obs(self, names: Sequence[str]) -> pd.DataFrame:
        """Return columns of obs: of all cells if they are categories, otherwise of the first 20,000."""
        table = self.file["obs"]
        if isinstance(table, h5py.Dataset):  # of anndata before 0.7
            return pd.DataFrame({name: _values(table[:SAMPLE][name]) for name in names})
        columns = {name: _column(table[name], self.n_cells, self.path, name) for name in names}
        shortest = min(map(len, columns.values()), default=0)
        return pd.DataFrame({name: values[:shortest] for name, values in columns.items()})

    def sample(self, matrix: Element) -> np.ndarray:
        """Return some of the values of a matrix: from its start, its middle and its end."""
        values = matrix["data"] if isinstance(matrix, h5py.Group) else matrix
        width = max(1, SAMPLE // max(int(np.prod(values.shape[1:])), 1))
        starts = sorted({0, max(0, values.shape[0] // 2 - width // 2), max(0, values.shape[0] - width)})
        return np.concatenate([np.asarray(values[start : start + width]).ravel() for start in starts])

    def check_shape(self, name: str, matrix: Element) -> None:
        """Raise ValueError if a matrix has another shape than obs x var, or a sparse one is incomplete."""
        where = f"{self.path}: {f'layer {name}' if name else 'X'}"
        if isinstance(matrix, h5py.Dataset):
            shape = matrix.shape
        else:
            if missing := [part for part in ("data", "indices", "indptr") if part not in matrix]:
                raise ValueError(f"{where} has no {missing[0]}; write the file again")
            stated = matrix.attrs.get("shape", matrix.attrs.get("h5sparse_shape"))
            shape = tuple(map(int, stated)) if stated is not None else ()
            entries, pointers = matrix["data"].shape[0], matrix["indptr"]
            whole = entries == matrix["indices"].shape[0] and pointers.shape[0] and pointers[-1] == entries
            if not whole:
                raise ValueError(f"{where} is an incomplete sparse matrix; write the file again")
        if shape != (self.n_cells, self.n_genes):
            found = " x ".join(map(str, shape)) or "of no shape"
            raise ValueError(f"{where} is {found}, but there are {self.n_cells} cells and {self.n_genes} genes")


def _length(path: Path, file: h5py.File, name: str) -> int:
    table = file.get(name)
    if isinstance(table, h5py.Dataset):
        return table.shape[0]
    index = table.attrs.get("_index", "_index") if table is not None else ""
    if table is None or index not in table:
        raise ValueError(f"{path}: {name} has no index; write the file again with anndata")
    return table[index].shape[0]


def _column(element: Element, n_cells: int, path: Path, name: str) -> pd.Series:
    codes, categories = element, None
    if isinstance(element, h5py.Group):
        if "codes" not in element:  # values with a mask of the missing ones
            values = pd.Series(_values(element["values"][:SAMPLE]), dtype=object)
            return values.mask(np.asarray(element["mask"][:SAMPLE]))
        codes, categories = element["codes"], element["categories"]
    elif "categories" in element.attrs:  # of anndata before 0.8
        categories = element.file[element.attrs["categories"]]
    if codes.shape[0] != n_cells:
        raise ValueError(f"{path}: obs column '{name}' has {codes.shape[0]} values for {n_cells} cells")
    if categories is None:
        return pd.Series(_values(codes[:SAMPLE]))
    many = categories.shape[0] > SAMPLE  # ids of cells: their text does not matter
    names = np.arange(categories.shape[0]).astype(str) if many else _values(categories[:])
    return pd.Series(pd.Categorical.from_codes(np.asarray(codes[: SAMPLE if many else n_cells]), names))


def _values(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "OS":
        return np.array([one.decode() if isinstance(one, bytes) else one for one in values], dtype=object)
    return values
