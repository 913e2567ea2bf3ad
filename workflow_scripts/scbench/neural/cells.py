"""Training data of the neural methods: kept on the device and split into minibatches without a copy on the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self, TypeAlias

import numpy as np
import torch
from scipy import sparse

from scbench.types import Dataset

BLOCK = 20_000  # cells


@dataclass(frozen=True)
class Counts:
    """Counts with the factors that normalise them, as in X of the prepared dataset.

    Attributes
    ----------
    matrix
        (n_cells, n_genes) CSR.
    scale
        (n_cells,) target sum / total counts of the cell over all genes, including genes that are not in the matrix.
    """

    matrix: sparse.csr_matrix
    scale: np.ndarray

    @classmethod
    def of(cls, data: Dataset) -> Counts:
        """Return the counts of a dataset for a method that declares counts."""
        return cls(data.X, data.scale)

    @property
    def shape(self) -> tuple[int, int]:
        return self.matrix.shape

    def __getitem__(self, cells: np.ndarray | slice) -> Counts:
        return Counts(self.matrix[cells], self.scale[cells])

    def scaled(self) -> sparse.csr_matrix:
        """Return normalised counts, (n_cells, n_genes) float64, which share their indices with `matrix`."""
        values = np.repeat(self.scale, np.diff(self.matrix.indptr))
        values *= self.matrix.data
        return sparse.csr_matrix((values, self.matrix.indices, self.matrix.indptr), self.shape)

    def log_normalised(self) -> sparse.csr_matrix:
        """Return log-normalised expression, (n_cells, n_genes) float64, which shares its indices with `matrix`."""
        expression = self.scaled()
        np.log1p(expression.data, out=expression.data)
        return expression

    def blocks(self) -> Iterator[Counts]:
        """Yield the cells in blocks of up to 20,000, so that few normalised counts are in memory at a time."""
        if len(self.scale) <= BLOCK:
            yield self  # not a copy
            return
        for start in range(0, len(self.scale), BLOCK):
            yield self[start : start + BLOCK]

    def mean_total(self) -> float:
        """Return the mean over cells of their total normalised counts."""
        return sum(block.scaled().sum() for block in self.blocks()) / len(self.scale)

    def means(self) -> np.ndarray:
        """Return the mean normalised count of each gene, (n_genes,)."""
        return self._means(block.scaled() for block in self.blocks())

    def shares(self) -> np.ndarray:
        """Return the shares of the genes in the mean of the normalised cells, (n_genes,), with sum 1."""
        mean = self.means()
        return mean / mean.sum()

    def log_means(self) -> np.ndarray:
        """Return the mean log-normalised expression of each gene, (n_genes,)."""
        return self._means(block.log_normalised() for block in self.blocks())

    def dispersions(self) -> np.ndarray:
        """Return theta = mean^2 / (variance - Poisson variance) of the normalised counts of each gene, (n_genes,).

        It is inf for a gene that varies no more than a Poisson distribution.
        """
        mean = self.means()
        squares = self._means(block.scaled().power(2) for block in self.blocks())
        excess = squares - mean**2 - mean * self.scale.mean()
        return np.divide(mean**2, excess, out=np.full_like(mean, np.inf), where=excess > 0)

    def _means(self, blocks: Iterator[sparse.csr_matrix]) -> np.ndarray:
        total = np.zeros(self.shape[1])
        for block in blocks:
            block.data *= 1 / len(self.scale)  # in place: `mean` of scipy makes two copies
            total += np.asarray(block.sum(axis=0)).ravel()
        return total


Column: TypeAlias = Counts | sparse.csr_matrix | np.ndarray


@dataclass(frozen=True)
class SparseRows:
    """Rows of a matrix, stored as its non-zero entries.

    Attributes
    ----------
    shape
        (n_cells, n_genes).
    row, column
        (n_entries,) int64 indices of each entry, in ascending order.
    values
        (n_entries,) float32.
    totals
        (n_cells, 1) sums of the rows.
    """

    shape: tuple[int, int]
    row: torch.Tensor
    column: torch.Tensor
    values: torch.Tensor
    totals: torch.Tensor

    @cached_property
    def flat(self) -> torch.Tensor:
        """Return the positions of the entries in the row-wise flattened matrix, (n_entries,)."""
        return self.row * self.shape[1] + self.column

    def dense(self, values: torch.Tensor | None = None) -> torch.Tensor:
        """Return the dense matrix (n_cells, n_genes), with `values` at the entries instead of their own if given."""
        values = self.values if values is None else values
        matrix = torch.zeros(self.shape[0] * self.shape[1], dtype=values.dtype, device=values.device)
        return matrix.scatter_(0, self.flat, values).view(self.shape)

    def with_values(self, values: torch.Tensor) -> Self:
        """Return the same entries with other values (n_entries,)."""
        totals = torch.zeros(self.shape[0], 1, dtype=values.dtype, device=values.device)
        return replace(self, values=values, totals=totals.index_add_(0, self.row, values[:, None]))


@dataclass(frozen=True)
class CountRows(SparseRows):
    """Rows of `Counts`. The totals are library sizes over the genes of the matrix, which the decoders distribute.

    Attributes
    ----------
    scale
        (n_cells, 1); see `Counts`.
    """

    scale: torch.Tensor

    def log_normalised(self) -> torch.Tensor:
        """Return log-normalised expression, (n_cells, n_genes), as in X of the prepared dataset."""
        return self.dense(torch.log1p(self.values * self.scale.squeeze(1).index_select(0, self.row)))


class Cells:
    """Named columns with one row per cell, which minibatches contain as `CountRows`, `SparseRows` or tensors.

    Parameters
    ----------
    device
        Device that holds the columns and builds the minibatches.
    columns
        Counts or CSR matrices (n_cells, n_genes), or arrays (n_cells, ...).
    """

    def __init__(self, device: str, columns: Mapping[str, Column]) -> None:
        self.device = torch.device(device)
        self.n_cells = next(iter(columns.values())).shape[0]
        self._columns = {
            name: _tensor(column).to(self.device) if isinstance(column, np.ndarray) else _CsrColumn(column, self.device)
            for name, column in columns.items()
        }

    def take(self, cells: np.ndarray) -> dict[str, SparseRows | torch.Tensor]:
        """Select the given cells, (n,) indices, from every column."""
        index = _tensor(np.asarray(cells, dtype=np.int64)).to(self.device, non_blocking=True)
        return {
            name: column.take(cells, index) if isinstance(column, _CsrColumn) else column[index]
            for name, column in self._columns.items()
        }


class _CsrColumn:
    """A CSR matrix whose rows are gathered with torch operations of known sizes, so that no host sync is needed."""

    def __init__(self, column: Counts | sparse.csr_matrix, device: torch.device) -> None:
        matrix = column.matrix if isinstance(column, Counts) else column
        matrix = matrix if matrix.has_sorted_indices else matrix.sorted_indices()
        self.n_genes = matrix.shape[1]
        self.lengths = np.diff(matrix.indptr).astype(np.int64)
        self.start = _tensor(matrix.indptr[:-1].astype(np.int64)).to(device)
        self.length = _tensor(self.lengths).to(device)
        self.gene = _tensor(matrix.indices).to(device)
        self.values = _tensor(matrix.data.astype(np.float32, copy=False)).to(device)
        sums = [matrix[start : start + BLOCK].sum(axis=1) for start in range(0, matrix.shape[0], BLOCK)]
        self.totals = _tensor(np.asarray(np.concatenate(sums), dtype=np.float32)).to(device)
        self.scale = None
        if isinstance(column, Counts):
            self.scale = _tensor(column.scale[:, None].astype(np.float32)).to(device)

    def take(self, cells: np.ndarray, index: torch.Tensor) -> SparseRows:
        n_entries = int(self.lengths[cells].sum())
        length = self.length[index]
        before = torch.cumsum(length, 0) - length
        row = torch.repeat_interleave(torch.arange(len(cells), device=index.device), length, output_size=n_entries)
        entry = torch.arange(n_entries, device=index.device).add_((self.start[index] - before).index_select(0, row))
        genes, values = self.gene.index_select(0, entry).long(), self.values.index_select(0, entry)
        parts = ((len(cells), self.n_genes), row, genes, values, self.totals[index])
        return SparseRows(*parts) if self.scale is None else CountRows(*parts, self.scale[index])


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
