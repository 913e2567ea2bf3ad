"""Cell type oracle: the control that separates cell types perfectly and has no batch effect within a cell type.

The embedding is the one-hot cell type plus a little noise, which makes neighbours within a type random and avoids ties.
Source: the control `embed_cell_types_jittered` of Open Problems, batch integration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scbench import parameters as p
from scbench.seeding import generator
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(p.Parameters):
    """Parameters of the oracle.

    Attributes
    ----------
    jitter
        Half the width of the uniform noise.
    """

    jitter: float = p.number(0.01, 0)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the one-hot cell types, (n_cells, n_types), plus uniform noise in [-jitter, jitter]."""
    jitter = Parameters.of(parameters).jitter
    assert data.labels is not None
    types, codes = np.unique(data.labels, return_inverse=True)
    noise = generator(seed, "cell_type_oracle").uniform(-jitter, jitter, (data.n_cells, len(types)))
    return Embedding(X=(np.eye(len(types))[codes] + noise).astype(np.float32))
