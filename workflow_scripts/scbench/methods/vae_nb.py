"""VAE_NB: a variational autoencoder of the counts with a negative binomial likelihood, not batch-conditioned.

Source: Lopez et al. 2018, doi 10.1038/s41592-018-0229-2, without the batch in the decoder. It shows the effect of the
likelihood alone and does not correct batch effects.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench.autoencoders.parameters import CountVaeParameters
from scbench.parameters import choice, number
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(CountVaeParameters):
    """Parameters of the method; see `CountVaeParameters`. Nothing in the model receives the batch."""

    condition: str = choice("none", "none")
    dispersion: str = choice("gene", "gene")
    prior: str = choice("normal", "normal", "mog", "vamp")
    dropout: float = number(0.1, 0, 0.99)
    beta: float = number(1.0, 0)
    max_steps: int = number(2500, 1)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Train on all cells and return the posterior means, (n_cells, latent_dim)."""
    from scbench.autoencoders.count_vae import fit

    return fit(data, Parameters.of(parameters), seed=seed, device=device)
