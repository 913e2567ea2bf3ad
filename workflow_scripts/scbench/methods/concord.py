"""CONCORD: a contrastive autoencoder whose minibatches are drawn within batches, in concord-sc.

Source: Zhu et al. 2025, doi 10.1101/2025.03.13.643146. Settings: the defaults and the quick start of the package. The
authors compare cells by cosine, so the rows are scaled to length 1, where Euclidean neighbours are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench import parameters as p
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(p.Parameters):
    """Parameters of CONCORD.

    Attributes
    ----------
    latent_dim
        Dimensions of the latent space.
    batch_size
        Cells of a minibatch.
    epochs
        Passes over the cells.
    """

    latent_dim: int = p.number(100, 1)
    batch_size: int = p.number(256, 1)
    epochs: int = p.number(15, 1)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the embedding, (n_cells, latent_dim), rows of length 1."""
    from scbench.reference.annotated import annotated

    options = Parameters.of(parameters)
    import concord
    import numpy as np
    import torch

    adata = annotated(data)
    sizes = {"latent_dim": options.latent_dim, "batch_size": options.batch_size, "n_epochs": options.epochs}
    settings = {"domain_key": "batch", "preload_dense": True, "device": torch.device(device), "seed": seed}
    model = concord.Concord(adata, save_dir=None, verbose=True, **settings, **sizes)
    model.fit_transform(output_key="latent", save_model=False)
    X = np.asarray(adata.obsm["latent"], dtype=np.float32)
    return Embedding(X=X / np.linalg.norm(X, axis=1, keepdims=True))
