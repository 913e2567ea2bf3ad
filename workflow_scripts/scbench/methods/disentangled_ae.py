"""Disentangled autoencoder: one encoder whose latent has two parts, z_bio for biology and z_batch for the batch.

A cross-entropy loss trains z_batch to predict the batch, and the decoder gets its softmax. The other terms of the
objective remove the batch from z_bio. Sources: Guo et al. 2022 (SCIDRL), doi 10.1093/nar/gkab978; iDLC, doi
10.64898/2026.02.17.706490.
docs/explanation/methods/disentanglement.md explains the model, how it differs from these two, and how its weights were
chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench.autoencoders.parameters import AutoencoderParameters
from scbench.neural.automatic import by_cells
from scbench.parameters import choice, number
from scbench.types import Dataset, Embedding

FEW, MANY = {"max_steps": 1500}, {"max_steps": 4000}


@dataclass(frozen=True, kw_only=True)
class Parameters(AutoencoderParameters):
    """Parameters of the method; see `AutoencoderParameters`.

    `max_steps` and `dropout` depend on the number of cells if they are None.
    """

    split: bool = True
    condition: str = choice("softmax", "none", "z_batch", "softmax", "one_hot", "embedding")
    dropout: float | None = number(None, 0, 0.99)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Train on all cells and return z_bio, (n_cells, latent_dim)."""
    from scbench.autoencoders.autoencoder import fit

    options = by_cells(Parameters.of(parameters), data.n_cells, few=FEW, many=MANY)
    return fit(data, options, seed=seed, device=device)
