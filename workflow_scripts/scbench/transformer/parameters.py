"""Parameters of the gene Transformer with their defaults and ranges."""

from __future__ import annotations

from dataclasses import dataclass

from scbench.neural.parameters import TrainingParameters
from scbench.parameters import MAX_WIDTH, ParameterError, choice, number, numbers


@dataclass(frozen=True, kw_only=True)
class TrunkParameters(TrainingParameters):
    """Parameters of the trunk and of masked reconstruction.

    Attributes
    ----------
    n_genes
        Number of most variable genes that the trunk attends to.
    width, n_latents, n_heads, depth, dropout
        Sizes of the trunk and dropout rate; a cell is represented by `n_latents` tokens of `width`.
    attention
        latent | full, see `scbench.transformer.trunk`.
    position
        vectors: the gene vectors of the dataset, or random vectors if it has none; random: random vectors; none: the
        genes cannot be distinguished.
    mask
        Fraction of the genes that are hidden from the trunk in a minibatch.
    """

    n_genes: int = number(512, 2)
    width: int = number(64, 1, MAX_WIDTH)
    attention: str = choice("latent", "latent", "full")
    n_latents: int = number(8, 1, MAX_WIDTH)
    n_heads: int = number(4, 1)
    depth: int = number(1, 0, 100)
    dropout: float = number(0.1, 0, 0.99)
    position: str = choice("vectors", "vectors", "random", "none")
    mask: float = number(0.15, above=0, high=0.95)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.n_heads:
            raise ParameterError(f"n_heads: a width of {self.width} does not fall into {self.n_heads} equal heads")


@dataclass(frozen=True, kw_only=True)
class IntegrationParameters(TrunkParameters):
    """Parameters of the trunk with a latent and a batch-conditioned decoder to counts.

    Attributes
    ----------
    masked_weight
        Weight of the masked reconstruction error, which is in units of the gene variance and a mean over masked genes.
    latent_dim, hidden
        Dimensions of the latent; widths of the decoder's layers.
    prior
        normal (N(0, I)) | mog (a learned mixture of 20 Gaussians).
    beta
        Final weight of the KL divergence. It is 0 in the first tenth of training and rises linearly until the half.
    mmd, flatness
        Final weights of the discrepancy between batches within clusters shared by batches, and of the flatness of these
        clusters; they rise as `beta` does.
    adaptation
        How a pretrained trunk is used, if there is one: fine_tuned, it is trained further; frozen, it stays as it is
        while latent and decoder are trained; zero_shot, it embeds the cells without any training.
    """

    masked_weight: float = number(0.5, 0)
    latent_dim: int = number(32, 1, MAX_WIDTH)
    hidden: tuple[int, ...] = numbers((128, 128), 1, MAX_WIDTH)
    prior: str | None = choice("normal", "normal", "mog")
    beta: float | None = number(1.0, 0)
    mmd: float = number(100.0, 0)
    flatness: float = number(0.3, 0)
    adaptation: str = choice("fine_tuned", "fine_tuned", "frozen", "zero_shot")


@dataclass(frozen=True, kw_only=True)
class CorpusParameters(TrunkParameters):
    """Parameters of the trunk that is pretrained on several datasets; a minibatch shows it `n_genes` random genes."""

    max_steps: int = number(5000, 1)
