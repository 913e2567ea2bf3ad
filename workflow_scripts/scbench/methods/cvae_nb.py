"""CVAE_NB: a variational autoencoder of the counts whose decoder knows the batch, so that its latent need not.

The decoder is told the batch at every layer, the encoder is not; a prior shared by all batches leaves no room for the
batch in the latent. Sources: Sohn et al. 2015 (conditional variational autoencoder); Lopez et al. 2018,
doi 10.1038/s41592-018-0229-2 (negative binomial, shared prior); Grønbech et al. 2020,
doi 10.1093/bioinformatics/btaa293 (mixture prior); Hrovatin et al. 2023, doi 10.1101/2023.11.03.565463 (cycle term).
"""

from scbench.autoencoders.count_vae import fit
from scbench.neural.automatic import SMALL, automatic_dropout
from scbench.types import Dataset, Embedding

FOR_FEW_CELLS = {"prior": "mog", "beta": 1.0, "max_steps": 2500}
FOR_MANY_CELLS = {"prior": "normal", "beta": 0.5, "max_steps": 5000}


def integrate(
    data: Dataset,
    *,
    seed: int,
    device: str,
    threads: int,
    latent_dim: int = 32,
    hidden: list = (128, 128),
    encoder_norm: str = "batch",
    decoder_norm: str = "layer",
    activation: str = "gelu",
    dropout: float | None = None,
    condition: str = "one_hot",
    condition_dim: int = 10,
    condition_encoder: bool = False,
    likelihood: str = "nb",
    dispersion: str = "gene_batch",
    size_factor: str = "multiply",
    prior: str | None = None,
    n_components: int = 20,
    pull: float = 0.1,
    beta: float | None = None,
    free_bits: float = 0.0,
    cycle_weight: float = 0.0,
    average: float = 0.0,
    epochs: int | None = None,
    max_steps: int | None = None,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    held_out: float = 0.0,
    patience: int = 30,
) -> Embedding:
    """Train on all cells and return the posterior means, (n_cells, latent_dim).

    With few cells, up to 4,000, a mixture prior helps to tell types apart; with more it parts the states of one type,
    too. What `prior`, `beta` and `max_steps` are if not given stands in FOR_FEW_CELLS and FOR_MANY_CELLS.

    Parameters
    ----------
    hidden
        Widths of the encoder; the decoder mirrors them.
    encoder_norm, decoder_norm
        layer | batch | domain | none; domain: statistics, scale and shift of every batch of its own.
    activation
        gelu | relu.
    dropout
        None: `automatic_dropout`, by the number of cells.
    condition, condition_dim, condition_encoder
        How the batch is given: one_hot, or embedding, trained, of that width; whether the encoder is told, too.
    likelihood, dispersion, size_factor
        nb | zinb | poisson | gaussian; gene | gene_batch; multiply | concat. See `CountVae` and `MeanDecoder`.
    prior, n_components, pull
        normal | mog | vamp | conditional, see priors.py, which says what `conditional` costs.
    beta, free_bits, cycle_weight, epochs, max_steps
        See `fit` and `CountVae`.
    average
        Decay of the moving average of the weights; 0: the last weights are used.
    held_out, patience
        Share of the cells kept for early stopping; 0: none, train on all.
    """
    default = FOR_FEW_CELLS if data.n_cells <= SMALL else FOR_MANY_CELLS
    architecture = {
        "latent_dim": latent_dim,
        "hidden": list(hidden),
        "encoder_norm": encoder_norm,
        "decoder_norm": decoder_norm,
        "activation": activation,
        "dropout": automatic_dropout(data.n_cells) if dropout is None else dropout,
        "condition": condition,
        "condition_dim": condition_dim,
        "condition_encoder": condition_encoder,
        "likelihood": likelihood,
        "dispersion": dispersion,
        "size_factor": size_factor,
        "prior": prior or default["prior"],
        "n_components": n_components,
        "pull": pull,
        "free_bits": free_bits,
    }
    return fit(
        data,
        seed=seed,
        device=device,
        architecture=architecture,
        beta=default["beta"] if beta is None else beta,
        cycle_weight=cycle_weight,
        average=average,
        epochs=epochs,
        max_steps=max_steps or default["max_steps"],
        batch_size=batch_size,
        learning_rate=learning_rate,
        cosine_from=0.5,
        held_out=held_out,
        patience=patience,
    )
