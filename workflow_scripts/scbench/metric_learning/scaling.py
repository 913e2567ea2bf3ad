"""Scaling per batch and PCA in chunks of cells, so that the full scaled matrix is never in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

LARGEST = 10.0  # standard deviations; larger values are clipped
CHUNK = 4096
CONSTANT = 1e-10  # variance below which a gene counts as constant in a batch


@dataclass(frozen=True)
class BatchScaling:
    """Mean and standard deviation of every gene in every batch, both (n_batches, n_genes) float32."""

    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def of(cls, X: sparse.csr_matrix, batch: np.ndarray) -> "BatchScaling":
        """Compute from log-normalised CSR (n_cells, n_genes) and batch codes (n_cells,); constant genes have sd 1."""
        n_cells = np.bincount(batch)[:, None]
        sums, squares = np.zeros((2, len(n_cells), X.shape[1]))
        for start in range(0, X.shape[0], CHUNK):
            codes, values = batch[start : start + CHUNK], X[start : start + CHUNK].astype(np.float64)
            cells = np.arange(len(codes))
            member = sparse.csr_matrix((np.ones(len(codes)), (codes, cells)), (len(n_cells), len(codes)))
            sums += (member @ values).toarray()
            squares += (member @ values.multiply(values)).toarray()
        mean = sums / np.maximum(n_cells, 1)
        variance = (squares - n_cells * mean**2) / np.maximum(n_cells - 1, 1)
        sd = np.sqrt(np.where(variance > CONSTANT, variance, 1.0))
        return cls(mean.astype(np.float32), sd.astype(np.float32))

    def chunks(self, X: sparse.csr_matrix, batch: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield (rows, scaled dense float32) for all cells in order, clipped at 10 standard deviations."""
        for start in range(0, X.shape[0], CHUNK):
            rows = slice(start, start + CHUNK)
            scaled = (X[rows].toarray() - self.mean[batch[rows]]) / self.sd[batch[rows]]
            yield rows, np.clip(scaled, -LARGEST, LARGEST)


def principal_components(
    X: sparse.csr_matrix, batch: np.ndarray, scaling: BatchScaling, n_components: int
) -> np.ndarray:
    """Compute the principal components of the scaled cells from the gene covariance.

    Returns
    -------
    (n_cells, n) float32, where n is the smallest of `n_components`, n_cells - 1 and n_genes - 1 (but at least 1).
    """
    n_cells, n_genes = X.shape
    total, products = np.zeros(n_genes), np.zeros((n_genes, n_genes))
    for _, scaled in scaling.chunks(X, batch):
        total += scaled.sum(0, dtype=np.float64)
        products += scaled.T @ scaled
    centre = total / n_cells
    covariance = products / n_cells - np.outer(centre, centre)
    n = max(min(n_components, n_cells - 1, n_genes - 1), 1)
    _, vectors = linalg.eigh(covariance, subset_by_index=(n_genes - n, n_genes - 1))
    loadings = vectors[:, ::-1].astype(np.float32)
    offset = (centre @ loadings).astype(np.float32)
    return np.concatenate([scaled @ loadings - offset for _, scaled in scaling.chunks(X, batch)])
