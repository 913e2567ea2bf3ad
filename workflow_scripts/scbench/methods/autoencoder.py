"""The family of autoencoders: plain, variational, stacked, denoising, sparse, convolutional, adversarial and others.

Each member is one set of parameters in config/methods.yaml that chooses the parts of the model and the terms of the
objective. docs/explanation/methods/disentanglement.md lists all of them with their sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench.autoencoders.parameters import AutoencoderParameters
from scbench.parameters import number
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(AutoencoderParameters):
    """Parameters of the method; see `AutoencoderParameters`."""

    dropout: float = number(0.1, 0, 0.99)
    max_steps: int = number(1500, 1)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Train on all cells and return the latent, (n_cells, latent_dim), and with `cluster_stage` also the clusters."""
    from scbench.autoencoders.autoencoder import fit

    return fit(data, Parameters.of(parameters), seed=seed, device=device)
