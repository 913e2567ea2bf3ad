"""Parameters of the gene Transformer; each stands here once, with its default and its range."""

from __future__ import annotations

from dataclasses import dataclass

from scbench.neural.parameters import TrainingParameters
from scbench.parameters import ParameterError, choice, number, numbers


@dataclass(frozen=True, kw_only=True)
class TrunkParameters(TrainingParameters):
    """The trunk and its masked reconstruction.

    Attributes
    ----------
    n_genes
        The trunk attends to the most variable ones.
    width, n_latents, n_heads, depth, dropout
        Sizes; the cell is described by `n_latents` tokens of `width`.
    attention
        latent | full, see `scbench.transformer.trunk`.
    position
        vectors: the gene vectors of the dataset, random ones where it has none; random; none: genes cannot be told
        apart.
    mask
        Share of the genes that are hidden from the trunk in a minibatch.
    """

    n_genes: int = number(512, 2)
    width: int = number(64, 1)
    attention: str = choice("latent", "latent", "full")
    n_latents: int = number(8, 1)
    n_heads: int = number(4, 1)
    depth: int = number(1, 0)
    dropout: float = number(0.1, 0, 0.99)
    position: str = choice("vectors", "vectors", "random", "none")
    mask: float = number(0.15, above=0, high=0.95)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.n_heads:
            raise ParameterError(f"n_heads: a width of {self.width} does not fall into {self.n_heads} equal heads")


@dataclass(frozen=True, kw_only=True)
class IntegrationParameters(TrunkParameters):
    """The trunk with a latent that a batch-conditioned decoder turns into counts.

    Attributes
    ----------
    masked_weight
        Of the error of masked reconstruction, in units of a gene's variance, a mean over masked genes.
    latent_dim, hidden
        Of the latent; widths of the decoder's layers.
    beta
        Final weight of the divergence: 0 in the first tenth of training, then rising linearly until its half.
    """

    masked_weight: float = number(0.5, 0)
    latent_dim: int = number(32, 1)
    hidden: tuple[int, ...] = numbers((128, 128), 1)
    beta: float | None = number(1.0, 0)
