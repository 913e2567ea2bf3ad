"""Parameters of the autoencoders with their defaults and ranges."""

from __future__ import annotations

from dataclasses import dataclass, field

from scbench.neural.parameters import TrainingParameters
from scbench.neural.schedules import read_schedules
from scbench.parameters import MAX_WIDTH, ParameterError, choice, number, numbers

NORMS = ("layer", "batch", "domain", "none")
ACTIVATIONS = ("gelu", "relu")
TERMS = (
    *["reconstruction", "kl", "batch_code", "batch_code_kl", "adversary", "mmd", "cycle", "sparsity"],
    *["prior_mmd", "prior_adversary", "commitment"],
)


@dataclass(frozen=True, kw_only=True)
class CountVaeParameters(TrainingParameters):
    """Parameters of the variational autoencoder of counts.

    Attributes
    ----------
    latent_dim, hidden
        Dimensions of the latent; widths of the encoder's layers, which the decoder mirrors.
    encoder_norm, decoder_norm
        layer | batch | domain | none; domain: separate statistics, scale and shift for every batch.
    activation
        gelu | relu.
    dropout
        Dropout rate of the encoder; None: depends on the number of cells, see `scbench.neural.automatic.dropout`.
    condition, condition_dim, condition_encoder
        Encoding of the batch: none, one_hot or a learned embedding of width `condition_dim`. It is an input of every
        layer of the decoder and, with `condition_encoder`, of the encoder.
    likelihood
        nb | zinb | poisson | gaussian (of log-normalised expression, one variance per gene).
    dispersion
        gene (one per gene) | gene_batch (one per gene and batch).
    size_factor
        multiply | concat, see `scbench.neural.networks.MeanDecoder`.
    prior, n_components, pull
        normal | mog | vamp | conditional, see `scbench.neural.priors`; mixtures have `n_components`; `pull` is the
        weight that pulls a conditional prior towards N(0, I).
    beta
        Final weight of the KL divergence. It is 0 in the first tenth of training and rises linearly until the half.
    free_bits
        Nats per latent dimension below which the divergence is not penalised. A mixture has no divergence per
        dimension; there the threshold is free_bits * latent_dim in total.
    mmd
        Weight of the discrepancy between batches within clusters shared by batches, see
        `scbench.neural.discrepancy.distance_within_clusters`; it rises as `beta` does.
    cycle_weight
        Weight of the cycle term, which starts after a tenth of training; 0: it is not computed.
    """

    latent_dim: int = number(32, 1, MAX_WIDTH)
    hidden: tuple[int, ...] = numbers((128, 128), 1, MAX_WIDTH)
    encoder_norm: str = choice("layer", *NORMS)
    decoder_norm: str = choice("layer", *NORMS)
    activation: str = choice("gelu", *ACTIVATIONS)
    dropout: float | None = number(0.1, 0, 0.99)
    condition: str = choice("none", "none", "one_hot", "embedding")
    condition_dim: int = number(10, 1, MAX_WIDTH)
    condition_encoder: bool = False
    likelihood: str = choice("nb", "nb", "zinb", "poisson", "gaussian")
    dispersion: str = choice("gene", "gene", "gene_batch")
    size_factor: str = choice("multiply", "multiply", "concat")
    prior: str | None = choice("normal", "normal", "mog", "vamp", "conditional")
    n_components: int = number(20, 1, MAX_WIDTH)
    pull: float = number(0.1, 0)
    beta: float | None = number(1.0, 0)
    free_bits: float = number(0.0, 0)
    mmd: float = number(0.0, 0)
    cycle_weight: float = number(0.0, 0)


@dataclass(frozen=True, kw_only=True)
class AutoencoderParameters(TrainingParameters):
    """Parameters of the autoencoder family and the disentangled model.

    Attributes
    ----------
    latent_dim
        Dimensions of z_bio, the embedding.
    hidden
        Widths of the encoder's layers, which the decoder mirrors; None: depends on the number of genes, see
        `scbench.neural.automatic.hidden_widths`.
    objective
        {term: weight, or [weight, start, full]}; see `scbench.autoencoders.objective` for the terms and the scale of
        the weights. The reconstruction has weight 1.
    split
        Whether the latent has a part z_batch in addition to z_bio, with as many dimensions as batches.
    condition, condition_dim
        What every layer of the decoder is told of the batch: none (nothing), z_batch, softmax (of z_batch: the
        probabilities of the batches), one_hot (the batch itself) or embedding (trained, of width `condition_dim`).
    reconstruction
        nb: negative log-likelihood of the counts, summed over genes, with a dispersion per gene (and batch, if there is
        a condition); mse: squared error of log-normalised expression, mean over genes.
    layers
        Layers of the encoder: dense | convolution.
    dropout
        Dropout rate of the encoder; None: depends on the number of cells.
    mask
        Fraction of a cell's entries that are hidden from the encoder in training.
    n_codes, n_groups
        Number of codes per group of latent dimensions and number of groups, if the objective has a commitment term.
    pretrain, cluster_stage
        Whether the layers are first trained one after another; whether the encoder is finally trained on its own
        clusters.
    """

    latent_dim: int = number(32, 1, MAX_WIDTH)
    hidden: tuple[int, ...] | None = numbers(None, 1, MAX_WIDTH)
    objective: dict = field(default_factory=dict)
    split: bool = False
    condition: str = choice("none", "none", "z_batch", "softmax", "one_hot", "embedding")
    condition_dim: int = number(16, 1, MAX_WIDTH)
    reconstruction: str = choice("nb", "nb", "mse")
    layers: str = choice("dense", "dense", "convolution")
    dropout: float | None = number(0.1, 0, 0.99)
    mask: float = number(0.0, 0, 0.99)
    n_codes: int = number(64, 2, MAX_WIDTH)
    n_groups: int = number(4, 1)
    pretrain: bool = False
    cluster_stage: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        terms = read_schedules(self.objective, TERMS)
        if not self.split and (
            self.condition in ("z_batch", "softmax") or {"batch_code", "batch_code_kl"} & set(terms)
        ):
            raise ParameterError(
                "objective: condition z_batch or softmax, batch_code and batch_code_kl need split: true"
            )
        if self.pretrain and self.layers == "convolution":
            raise ParameterError("pretrain: convolutions are not trained layer by layer; use layers: dense")
        if "commitment" in terms and self.latent_dim % self.n_groups:
            groups = f"{self.latent_dim} latent dimensions do not fall into {self.n_groups} equal groups"
            raise ParameterError(f"n_groups: {groups}")
