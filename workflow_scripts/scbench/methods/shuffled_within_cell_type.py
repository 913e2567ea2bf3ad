"""Shuffled within cell type: the control that mixes batches perfectly and keeps the real structure of cell types.

The principal components are permuted among the cells of each type, so that the position of a cell carries no
information about its batch beyond its type. Source: the control `shuffle_integration_by_cell_type` of Open Problems,
batch integration.
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
