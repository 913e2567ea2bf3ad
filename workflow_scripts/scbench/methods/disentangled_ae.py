"""Disentangled autoencoder: one encoder whose latent has two parts, z_bio for biology and z_batch for the batch.

A cross-entropy loss trains z_batch to predict the batch, and the decoder gets its softmax. The other terms of the
objective remove the batch from z_bio. Sources: Guo et al. 2022 (SCIDRL), doi 10.1093/nar/gkab978; iDLC, doi
10.64898/2026.02.17.706490.
docs/explanation/methods/disentanglement.md explains the model, how it differs from these two, and how its weights were
chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from scbench.autoencoders.parameters import AutoencoderParameters
from scbench.neural.automatic import between, by_cells
from scbench.neural.schedules import filled
from scbench.parameters import choice, number
from scbench.types import Dataset, Embedding

# With few cells a mixture prior helps to separate cell types; with many it also splits the states of a single type.
FEW = {"prior": "mog", "max_steps": 1500}
MANY = {"prior": "normal", "max_steps": 4000}
DISCREPANCY = 50.0, 100.0  # weights with few cells, where half maps new batches better, and with many


@dataclass(frozen=True, kw_only=True)
class Parameters(AutoencoderParameters):
    """Parameters of the method; see `AutoencoderParameters`.

    `prior`, `max_steps`, `dropout` and the weight of mmd depend on the number of cells if they are None.
    """

    OPEN_TERMS = ("mmd",)

    split: bool = True
    condition: str = choice("softmax", "none", "z_batch", "softmax", "one_hot", "embedding")
    dropout: float | None = number(None, 0, 0.99)
    prior: str | None = choice(None, "normal", "mog")


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Train on all cells and return z_bio, (n_cells, latent_dim)."""
    from scbench.autoencoders.autoencoder import fit

    options = by_cells(Parameters.of(parameters), data.n_cells, few=FEW, many=MANY)
    objective = filled(options.objective, {"mmd": between(*DISCREPANCY, data.n_cells)})
    return fit(data, replace(options, objective=objective), seed=seed, device=device)
