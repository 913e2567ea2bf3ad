"""VAE_NB: a variational autoencoder of the counts with a negative binomial likelihood, blind to the batch.

Source: Lopez et al. 2018, doi 10.1038/s41592-018-0229-2, without the batch in the decoder: it shows what the likelihood
does by itself, and leaves batches apart where they differ.
"""

from scbench.autoencoders.count_vae import fit
from scbench.types import Dataset, Embedding


def integrate(
    data: Dataset,
    *,
    seed: int,
    device: str,
    threads: int,
    latent_dim: int = 32,
    hidden: list = (128, 128),
    norm: str = "layer",
    activation: str = "gelu",
    dropout: float = 0.1,
    likelihood: str = "nb",
    size_factor: str = "multiply",
    beta: float = 1.0,
    free_bits: float = 0.0,
    epochs: int | None = None,
    max_steps: int = 2500,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    held_out: float = 0.0,
    patience: int = 30,
) -> Embedding:
    """Train on all cells and return the posterior means, (n_cells, latent_dim).

    Parameters
    ----------
    hidden
        Widths of the encoder; the decoder mirrors them.
    norm, activation
        layer | batch | none; gelu | relu.
    likelihood
        nb | zinb | poisson | gaussian (of log-normalised expression).
    size_factor
        multiply | concat, see `MeanDecoder`.
    beta, free_bits, epochs, max_steps
        See `fit` and `CountVae`.
    held_out, patience
        Share of the cells kept for early stopping; 0: none, train on all.
    """
    architecture = {
        "latent_dim": latent_dim,
        "hidden": list(hidden),
        "encoder_norm": norm,
        "decoder_norm": norm,
        "activation": activation,
        "dropout": dropout,
        "likelihood": likelihood,
        "size_factor": size_factor,
        "free_bits": free_bits,
    }
    return fit(
        data,
        seed=seed,
        device=device,
        architecture=architecture,
        beta=beta,
        epochs=epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        cosine_from=0.5,
        held_out=held_out,
        patience=patience,
    )
