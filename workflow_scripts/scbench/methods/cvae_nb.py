"""CVAE_NB: a variational autoencoder of the counts with a batch-conditioned decoder.

Every layer of the decoder receives the batch; the encoder does not. A prior shared by all batches and the discrepancy
between batches keep the batch out of the latent. Sources: Sohn et al. 2015 (conditional variational autoencoder); Lopez
et al. 2018, doi 10.1038/s41592-018-0229-2 (negative binomial, shared prior); Lotfollahi et al. 2020,
doi 10.1093/bioinformatics/btaa800 (trVAE: discrepancy between batches); Grønbech et al. 2020,
doi 10.1093/bioinformatics/btaa293 (mixture prior); Hrovatin et al. 2023, doi 10.1101/2023.11.03.565463 (cycle term).
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench.autoencoders.parameters import NORMS, CountVaeParameters
from scbench.neural.automatic import by_cells
from scbench.parameters import choice, number
from scbench.types import Dataset, Embedding

# With few cells a mixture prior helps to separate cell types; with many it also splits the states of a single type.
FEW = {"prior": "mog", "beta": 1.0, "max_steps": 2500}
MANY = {"prior": "normal", "beta": 0.5, "max_steps": 5000}


@dataclass(frozen=True, kw_only=True)
class Parameters(CountVaeParameters):
    """Parameters of the method; see `CountVaeParameters`.

    `prior`, `beta`, `max_steps` and `dropout` depend on the number of cells if they are None.
    """

    encoder_norm: str = choice("batch", *NORMS)
    dropout: float | None = number(None, 0, 0.99)
    condition: str = choice("one_hot", "one_hot", "embedding")
    dispersion: str = choice("gene_batch", "gene", "gene_batch")
    prior: str | None = choice(None, "normal", "mog", "vamp", "conditional")
    beta: float | None = number(None, 0)
    mmd: float = number(100.0, 0)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Train on all cells and return the posterior means, (n_cells, latent_dim)."""
    from scbench.autoencoders.count_vae import fit

    options = by_cells(Parameters.of(parameters), data.n_cells, few=FEW, many=MANY)
    return fit(data, options, seed=seed, device=device)
