"""Disentangled autoencoder: one encoder, two parts of the latent, z_bio for the biology and z_batch for the batch.

z_batch is tied to the batch by a cross-entropy; z_bio is kept free of it by what the objective names. Sources: Guo et
al. 2022 (SCIDRL), doi 10.1093/nar/gkab978; iDLC, doi 10.64898/2026.02.17.706490. docs/disentanglement.md explains the
model, what differs from these two, and how its weights were chosen.
"""

from scbench.autoencoders.autoencoder import fit
from scbench.neural.automatic import SMALL, automatic_dropout
from scbench.types import Dataset, Embedding


def integrate(
    data: Dataset,
    *,
    seed: int,
    device: str,
    threads: int,
    latent_dim: int = 32,
    hidden: list | None = None,
    objective: dict,
    condition: str = "one_hot",
    condition_dim: int = 16,
    reconstruction: str = "nb",
    dropout: float | None = None,
    epochs: int | None = None,
    max_steps: int | None = None,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
) -> Embedding:
    """Train on all cells and return z_bio, (n_cells, latent_dim).

    Parameters
    ----------
    hidden
        Widths of the encoder, which the decoder mirrors; None: 128 and 128, from 3,000 genes on 1024 and 512.
    objective
        {term: weight, or [weight, start, full]}; the terms and what their weights refer to stand in
        `scbench.autoencoders.objective`.
    condition, condition_dim
        What the decoder is given beside z_bio: z_batch | one_hot | embedding, trained, of that width | none.
    reconstruction
        nb: negative log likelihood of the counts, summed over genes; mse: squared error of log-normalised expression,
        mean over genes.
    dropout
        None: `automatic_dropout`, by the number of cells.
    epochs, max_steps
        See `fit`; None: 1,500 steps, and 4,000 for more than 4,000 cells.
    """
    return fit(
        data,
        seed=seed,
        device=device,
        objective=objective,
        epochs=epochs,
        max_steps=max_steps or (1500 if data.n_cells <= SMALL else 4000),
        batch_size=batch_size,
        learning_rate=learning_rate,
        latent_dim=latent_dim,
        hidden=hidden,
        split=True,
        condition=condition,
        condition_dim=condition_dim,
        reconstruction=reconstruction,
        dropout=automatic_dropout(data.n_cells) if dropout is None else dropout,
    )
