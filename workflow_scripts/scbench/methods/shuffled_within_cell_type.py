"""Shuffled within cell type: the control with perfect mixing and the data's own cell types.

The principal components are permuted among the cells of each type, so that the place of a cell says nothing of its
batch beyond its type. Source: the control `shuffle_integration_by_cell_type` of Open Problems, batch integration.
"""

import numpy as np

from scbench.seeding import generator
from scbench.types import Dataset, Embedding


def integrate(data: Dataset, *, seed: int, device: str, threads: int) -> Embedding:
    """Return the principal components, (n_cells, n_pcs), with rows permuted within each cell type."""
    random = generator(seed, "shuffled_within_cell_type")
    rows = np.arange(data.n_cells)
    assert data.labels is not None
    for cell_type in np.unique(data.labels):
        members = np.flatnonzero(data.labels == cell_type)
        rows[members] = random.permutation(members)
    return Embedding(X=data.X[rows])
