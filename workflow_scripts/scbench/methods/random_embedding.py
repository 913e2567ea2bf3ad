"""Random embedding: the control that keeps no biology; its batches are perfectly mixed."""

import numpy as np

from scbench.seeding import generator
from scbench.types import Dataset, Embedding


def integrate(data: Dataset, *, seed: int, device: str, threads: int) -> Embedding:
    """Return standard normal noise of the shape of the principal components."""
    return Embedding(X=generator(seed, "random_embedding").standard_normal(data.X.shape).astype(np.float32))
