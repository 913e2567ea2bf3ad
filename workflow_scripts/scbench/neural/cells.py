"""Training data of the neural methods: kept on the device and split into minibatches without a copy on the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import sparse

TARGET_SUM = 1e4


@dataclass(frozen=True)
class SparseRows:
    """Rows of a count matrix, stored as its non-zero entries.

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

    def log_normalised(self) -> torch.Tensor:
        """Return log1p of the counts scaled to 10,000 per cell, (n_cells, n_genes); a cell without counts stays 0."""
        scale = (TARGET_SUM / self.totals.clamp_min(1)).squeeze(1)
        return self.dense(torch.log1p(self.values * scale.index_select(0, self.row)))

    def with_values(self, values: torch.Tensor) -> SparseRows:
        """Return the same entries with other values (n_entries,)."""
        totals = torch.zeros(self.shape[0], 1, dtype=values.dtype, device=values.device)
        return SparseRows(self.shape, self.row, self.column, values, totals.index_add_(0, self.row, values[:, None]))


class Cells:
    """Named columns with one row per cell; minibatches contain CSR matrices as `SparseRows` and arrays as tensors.

    Parameters
    ----------
    device
        Device that holds the columns and builds the minibatches.
    columns
        CSR matrices (n_cells, n_genes) or arrays (n_cells, ...).
    """

    def __init__(self, device: str, columns: Mapping[str, sparse.csr_matrix | np.ndarray]) -> None:
        self.device = torch.device(device)
        self.n_cells = next(iter(columns.values())).shape[0]
        self._columns = {
            name: _CsrColumn(column, self.device) if sparse.issparse(column) else _tensor(column).to(self.device)
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

    def __init__(self, matrix: sparse.csr_matrix, device: torch.device) -> None:
        matrix = matrix.sorted_indices()
        self.n_genes = matrix.shape[1]
        self.lengths = np.diff(matrix.indptr).astype(np.int64)
        self.start = _tensor(matrix.indptr[:-1].astype(np.int64)).to(device)
        self.length = _tensor(self.lengths).to(device)
        self.gene = _tensor(matrix.indices.astype(np.int64)).to(device)
        self.values = _tensor(matrix.data.astype(np.float32)).to(device)
        self.totals = _tensor(np.asarray(matrix.sum(axis=1), dtype=np.float32)).to(device)

    def take(self, cells: np.ndarray, index: torch.Tensor) -> SparseRows:
        n_entries = int(self.lengths[cells].sum())
        length = self.length[index]
        before = torch.cumsum(length, 0) - length
        row = torch.repeat_interleave(torch.arange(len(cells), device=index.device), length, output_size=n_entries)
        entry = torch.arange(n_entries, device=index.device).add_((self.start[index] - before).index_select(0, row))
        return SparseRows(
            (len(cells), self.n_genes),
            row,
            self.gene.index_select(0, entry),
            self.values.index_select(0, entry),
            self.totals[index],
        )


def scaled_counts(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Scale counts (n_cells, n_genes) to 10,000 per cell; a cell without counts stays empty."""
    library = np.maximum(np.asarray(counts.sum(axis=1)), 1)
    return counts.multiply(TARGET_SUM / library).tocsr()


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
