"""Unintegrated: the principal components of the scanpy recipe, with nothing done about batches.

The recipe (library-size normalisation, log1p, batch-aware HVG, unscaled PCA) is the preparation that every method
starts from; see scbench.datasets.prepare. Source: Wolf et al. 2018, doi 10.1186/s13059-017-1382-0.
"""

from scbench.types import Dataset, Embedding


def integrate(data: Dataset, *, seed: int, device: str, threads: int) -> Embedding:
    """Return the principal components, (n_cells, n_pcs), as they are."""
    return Embedding(X=data.X.copy())
