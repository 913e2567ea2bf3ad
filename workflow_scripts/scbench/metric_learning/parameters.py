"""Parameters of scDML and its self-training with their defaults and ranges."""

from __future__ import annotations

from dataclasses import dataclass

from scbench.neural.parameters import MinibatchParameters
from scbench.parameters import MAX_WIDTH, choice, number

MINING = ("hard", "semihard", "random")


@dataclass(frozen=True, kw_only=True)
class TripletParameters(MinibatchParameters):
    """Parameters shared by scDML and its self-training.

    Attributes
    ----------
    n_clusters
        Number of clusters; None: the number of cell types if they are given (a variant with `uses_labels`), otherwise
        the number at the largest eigengap, or fewer if these clusters are not separate.
    resolution
        Leiden resolution of the fine clusters.
    n_neighbours_within, n_neighbours_between
        Number of neighbours of a cell in its own batch, including itself, and number of candidates for mutual
        neighbours in each other batch.
    hidden, latent_dim
        Widths of the hidden layer and of the embedding; None: depends on the number of cells.
    mining, margin
        hard | semihard | random, see `scbench.metric_learning.triplets.mine`; margin of the loss.
    unit
        Whether to normalise the embedding to the unit sphere.
    """

    n_clusters: int | None = number(None, 2)
    resolution: float = number(3.0, above=0)
    n_neighbours_within: int = number(5, 1)
    n_neighbours_between: int = number(10, 1)
    hidden: int = number(256, 1, MAX_WIDTH)
    latent_dim: int | None = number(32, 1, MAX_WIDTH)
    mining: str = choice("hard", *MINING)
    margin: float = number(0.2, 0)
    unit: bool = True
    epochs: int = number(20, 1)
    batch_size: int = number(64, 2)
    learning_rate: float = number(0.001, above=0, high=1)


@dataclass(frozen=True, kw_only=True)
class ScdmlParameters(TripletParameters):
    """scDML; the variant `scdml_published` has the parameters of the original.

    Attributes
    ----------
    eigengap
        Graph of clusters used to find the largest eigengap: edges, the numbers of edges between and within clusters,
        which are then merged until they are separate; two_step, the similarities and their square, as published.
    """

    latent_dim: int = number(32, 1, MAX_WIDTH)
    eigengap: str = choice("edges", "edges", "two_step")


@dataclass(frozen=True, kw_only=True)
class SelfTrainingParameters(TripletParameters):
    """scDML with self-training.

    Attributes
    ----------
    n_clusters
        Number of clusters of the first round; later rounds may differ from it by 3.
    balanced
        Minibatches of 8 clusters x `batch_size` / 8 cells spread over the batches; false: cells drawn uniformly.
    mmd, flatness
        Weights of the discrepancy of batches within clusters and of the flatness of clusters, relative to the triplet
        loss with weight 1.
    rounds, round_epochs
        Maximum number of rounds after the first, which has `epochs`; epochs of each later round, whose learning rate is
        half that of the previous round.
    """

    latent_dim: int | None = number(None, 1, MAX_WIDTH)
    mining: str = choice("semihard", *MINING)
    balanced: bool = True
    mmd: float = number(3.0, 0)
    flatness: float = number(0.1, 0)
    rounds: int = number(5, 0)
    round_epochs: int = number(15, 1)
