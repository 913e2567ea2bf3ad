"""Disentangled autoencoder: one encoder, two parts of the latent, z_bio for the biology and z_batch for the batch.

z_batch is tied to the batch by a cross-entropy; z_bio is kept free of it by what the objective names. Sources: Guo et
al. 2022 (SCIDRL), doi 10.1093/nar/gkab978; iDLC, doi 10.64898/2026.02.17.706490.
docs/explanation/methods/disentanglement.md explains the model, what differs from these two, and how its weights were
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
    """As `AutoencoderParameters`; `max_steps` and `dropout` go by the number of cells if not given."""

    split: bool = True
    condition: str = choice("one_hot", "none", "z_batch", "one_hot", "embedding")
    dropout: float | None = number(None, 0, 0.99)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Train on all cells and return z_bio, (n_cells, latent_dim)."""
    from scbench.autoencoders.autoencoder import fit

    options = by_cells(Parameters.of(parameters), data.n_cells, few=FEW, many=MANY)
    return fit(data, options, seed=seed, device=device)
