"""scDML with self-training: cluster the learned space, mine triplets from the clusters, train on, until all is stable.

Starts as scDML does (Yu et al. 2023, doi 10.1038/s41467-023-36635-5); the rounds are this project's reading of
self-training with pseudo-labels (Caron et al. 2018, doi 10.1007/978-3-030-01264-9_9). docs/scdml.md says what each
choice rests on.
"""

import copy

import numpy as np

from scbench.graphs.edges import mutual_neighbours_between_batches, neighbours_within_batches
from scbench.graphs.leiden import fine_clusters
from scbench.graphs.merging import Merging, number_of_clusters
from scbench.methods.scdml import N_COMPONENTS, N_COMPONENTS_OF_GRAPH
from scbench.metric_learning.network import MixingNetwork
from scbench.metric_learning.scaling import BatchScaling, principal_components
from scbench.metric_learning.self_training import Trained, self_train
from scbench.metric_learning.triplets import balanced_minibatches
from scbench.neural.cells import Cells
from scbench.neural.training import apply, train
from scbench.seeding import generator, seed_torch
from scbench.types import Dataset, Embedding

REACH = 3  # how far the number of clusters may move from that of the first round
WIDTHS = ((2_000, 16), (20_000, 32), (100_000, 64))  # embedding width below so many cells; 128 above


def integrate(
    data: Dataset,
    *,
    seed: int,
    device: str,
    threads: int,
    n_clusters: int | None = None,
    resolution: float = 3.0,
    n_neighbours_within: int = 5,
    n_neighbours_between: int = 10,
    hidden: int = 256,
    latent_dim: int | None = None,
    mining: str = "semihard",
    margin: float = 0.2,
    balanced: bool = True,
    unit: bool = True,
    mmd: float = 3.0,
    flatness: float = 0.1,
    rounds: int = 5,
    epochs: int = 20,
    round_epochs: int = 15,
    batch_size: int = 64,
    learning_rate: float = 0.001,
) -> Embedding:
    """Return the embedding, (n_cells, latent_dim), and the clusters of the last accepted round.

    Parameters
    ----------
    n_clusters, resolution, n_neighbours_within, n_neighbours_between, mining
        As in `scbench.methods.scdml`; the number of clusters is that of the first round, later ones may differ by 3.
    latent_dim
        None: 16 below 2,000 cells, 32 below 20,000, 64 below 100,000, else 128.
    balanced
        Minibatches of 8 clusters x `batch_size` / 8 cells spread over the batches; false: of cells drawn evenly.
    unit
        Embedding on the unit sphere.
    mmd, flatness
        Weights of the discrepancy of batches within clusters and of the flatness of clusters; the triplet loss has 1.
    rounds, epochs, round_epochs
        Rounds after the first at most; epochs of the first round and of each later one, whose learning rate is half
        that of the round before.

    Raises
    ------
    ValueError
        When there is one cluster only, so that there are no triplets.
    """
    seed_torch(seed)
    scaling = BatchScaling.of(data.X, data.batch)
    pca = principal_components(data.X, data.batch, scaling, N_COMPONENTS)
    between = mutual_neighbours_between_batches(pca, data.batch, n_neighbours_between)
    model = MixingNetwork(
        scaling,
        hidden=hidden,
        latent_dim=latent_dim or embedding_width(data.n_cells),
        mining=mining,
        margin=margin,
        unit=unit,
    ).to(device)

    def merging(space: np.ndarray, n_dims: int | None = None) -> Merging:
        fine = fine_clusters(space[:, :n_dims], resolution=resolution, seed=seed)
        return Merging.of(fine, neighbours_within_batches(space, data.batch, n_neighbours_within) + between)

    def fit(cluster: np.ndarray, number: int, state: dict | None) -> Trained:
        if state is not None:
            model.load_state_dict(state)
        cells = Cells(device, {"x": data.X, "batch": data.batch, "cluster": cluster})
        history = train(
            model,
            cells,
            weights=lambda progress: {"triplet_loss": 1.0, "mmd": mmd, "flatness": flatness},
            epochs=min(round_epochs, epochs) if number else epochs,
            batch_size=batch_size,
            learning_rate=learning_rate * 0.5**number,
            weight_decay=0.0,
            seed=int(generator(seed, f"round {number}").integers(2**31)),
            sampler=balanced_minibatches(cluster, data.batch, batch_size) if balanced else None,
        )
        return Trained(apply(model.eval(), cells), history, copy.deepcopy(model.state_dict()))

    first = merging(pca, N_COMPONENTS_OF_GRAPH)
    start = first.into(n_clusters or number_of_clusters(first.counts))
    low, high = max(2, start.max() + 1 - REACH), start.max() + 1 + REACH

    def recluster(space: np.ndarray) -> np.ndarray:
        found = merging(space)
        if len(found.sizes) == 1:
            return found.fine
        return found.into(number_of_clusters(found.counts, low, high))

    cluster, trained, history = self_train(start, fit=fit, recluster=recluster, rounds=rounds)
    return Embedding(X=trained.X, cluster=cluster, history=history, model=trained.state)


def embedding_width(n_cells: int) -> int:
    """Choose 16, 32, 64 or 128 dimensions by the number of cells."""
    return next((width for below, width in WIDTHS if n_cells < below), 128)
