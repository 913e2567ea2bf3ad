"""The family of autoencoders: plain, variational, stacked, denoising, sparse, convolutional, adversarial and others.

Each is one set of parameters in config/methods.yaml: the parts of one model and the terms of one objective.
docs/disentanglement.md has the table of all of them with their sources.
"""

from scbench.autoencoders.autoencoder import fit
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
    condition: str = "none",
    condition_dim: int = 16,
    reconstruction: str = "nb",
    layers: str = "dense",
    dropout: float = 0.1,
    mask: float = 0.0,
    n_codes: int = 64,
    n_groups: int = 4,
    pretrain: bool = False,
    cluster_stage: bool = False,
    epochs: int | None = None,
    max_steps: int = 1500,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
) -> Embedding:
    """Train on all cells and return the latent, (n_cells, latent_dim); with `cluster_stage` also its clusters.

    Parameters
    ----------
    hidden, objective, reconstruction, epochs, max_steps
        As in `scbench.methods.disentangled_ae`.
    condition, condition_dim
        What the decoder is told of the batch: none | one_hot | embedding, trained, of that width.
    layers
        dense | convolution, of the encoder.
    mask
        Share of a cell's entries that the encoder is not shown in training.
    n_codes, n_groups
        Codes per group of latent dimensions, and groups, where the objective has a commitment.
    pretrain
        Layers are trained one after another first.
    cluster_stage
        In the end, the encoder is trained on its own clusters.
    """
    return fit(
        data,
        seed=seed,
        device=device,
        objective=objective,
        pretrain=pretrain,
        cluster_stage=cluster_stage,
        epochs=epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        latent_dim=latent_dim,
        hidden=hidden,
        condition=condition,
        condition_dim=condition_dim,
        reconstruction=reconstruction,
        layers=layers,
        dropout=dropout,
        mask=mask,
        n_codes=n_codes,
        n_groups=n_groups,
    )
