"""Parameters of scDML and its self-training; each stands here once, with its default and its range."""

from __future__ import annotations

from dataclasses import dataclass

from scbench.neural.parameters import MinibatchParameters
from scbench.parameters import choice, number

MINING = ("hard", "semihard", "random")


@dataclass(frozen=True, kw_only=True)
class TripletParameters(MinibatchParameters):
    """What scDML and its self-training share.

    Attributes
    ----------
    n_clusters
        None: the number of cell types where they are given (a variant with `uses_labels`), else by the eigengap.
    resolution
        Of the fine clusters.
    n_neighbours_within, n_neighbours_between
        Neighbours of a cell in its own batch, itself counted, and candidates for mutual ones in each other batch.
    hidden, latent_dim
        Widths of the one hidden layer and of the embedding; None: by the number of cells.
    mining, margin
        hard | semihard | random, see `scbench.metric_learning.triplets.mine`; margin of the loss.
    """

    n_clusters: int | None = number(None, 2)
    resolution: float = number(3.0, above=0)
    n_neighbours_within: int = number(5, 1)
    n_neighbours_between: int = number(10, 1)
    hidden: int = number(256, 1)
    latent_dim: int | None = number(32, 1)
    mining: str = choice("hard", *MINING)
    margin: float = number(0.2, 0)
    epochs: int | None = number(50, 1)
    batch_size: int = number(64, 2)


@dataclass(frozen=True, kw_only=True)
class ScdmlParameters(TripletParameters):
    """scDML as published.

    Attributes
    ----------
    eigengap
        Graph of clusters in whose spectrum the largest gap is sought: edges, the numbers of edges between and inside
        clusters; two_step, the similarities and their square, as published.
    """

    latent_dim: int = number(32, 1)
    eigengap: str = choice("edges", "edges", "two_step")
    epochs: int = number(50, 1)
    learning_rate: float = number(0.01, above=0, high=1)


@dataclass(frozen=True, kw_only=True)
class SelfTrainingParameters(TripletParameters):
    """scDML with self-training.

    Attributes
    ----------
    n_clusters
        That of the first round; later ones may differ by 3.
    balanced
        Minibatches of 8 clusters x `batch_size` / 8 cells spread over the batches; false: of cells drawn evenly.
    unit
        Embedding on the unit sphere.
    mmd, flatness
        Weights of the discrepancy of batches within clusters and of the flatness of clusters; the triplet loss has 1.
    rounds, epochs, round_epochs
        Rounds after the first at most; epochs of the first round and of each later one, whose learning rate is half
        that of the round before.
    """

    latent_dim: int | None = number(None, 1)
    mining: str = choice("semihard", *MINING)
    balanced: bool = True
    unit: bool = True
    mmd: float = number(3.0, 0)
    flatness: float = number(0.1, 0)
    rounds: int = number(5, 0)
    epochs: int = number(20, 1)
    round_epochs: int = number(15, 1)
    learning_rate: float = number(0.001, above=0, high=1)
