"""Unintegrated: the principal components of the scanpy recipe, without batch correction.

The recipe (library-size normalisation, log1p, batch-aware HVG selection, unscaled PCA) is the preprocessing that every
method starts from; see scbench.datasets.prepare. Source: Wolf et al. 2018, doi 10.1186/s13059-017-1382-0.
"""

from scbench.types import Dataset, Embedding


def integrate(data: Dataset, *, seed: int, device: str, threads: int) -> Embedding:
    """Return the unchanged principal components, (n_cells, n_pcs)."""
    return Embedding(X=data.X.copy())
