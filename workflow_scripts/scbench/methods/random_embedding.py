"""Random embedding: the control that mixes batches perfectly and preserves no biology."""

import numpy as np

from scbench.seeding import generator
from scbench.types import Dataset, Embedding


def integrate(data: Dataset, *, seed: int, device: str, threads: int) -> Embedding:
    """Return standard normal noise with the shape of the principal components, (n_cells, n_pcs)."""
    return Embedding(X=generator(seed, "random_embedding").standard_normal(data.X.shape).astype(np.float32))
