"""scDML: merge fine clusters that neighbours across batches hold together, then learn an embedding from triplets.

Source: Yu et al. 2023, doi 10.1038/s41467-023-36635-5, as their released code computes it. What differs and why stands
in docs/scdml.md.
"""

import numpy as np

from scbench.graphs.edges import mutual_neighbours_between_batches, neighbours_within_batches
from scbench.graphs.leiden import fine_clusters
from scbench.graphs.merging import Merging, number_of_clusters
from scbench.metric_learning.network import TripletNetwork
from scbench.metric_learning.scaling import BatchScaling, principal_components
from scbench.neural.cells import Cells
from scbench.neural.training import apply, train
from scbench.seeding import seed_torch
from scbench.types import Dataset, Embedding

N_COMPONENTS = 100
N_COMPONENTS_OF_GRAPH = 50  # of the fine clusters; scanpy, which the original calls, takes the first 50

GRAPHS = {"edges": lambda merging: merging.counts, "two_step": lambda merging: merging.two_step_graph}


def integrate(
    data: Dataset,
    *,
    seed: int,
    device: str,
    threads: int,
    n_clusters: int | None = None,
    eigengap: str = "edges",
    resolution: float = 3.0,
    n_neighbours_within: int = 5,
    n_neighbours_between: int = 10,
    hidden: int = 256,
    latent_dim: int = 32,
    mining: str = "hard",
    margin: float = 0.2,
    epochs: int = 50,
    batch_size: int = 64,
    learning_rate: float = 0.01,
) -> Embedding:
    """Return the embedding, (n_cells, latent_dim), and the merged clusters.

    Parameters
    ----------
    n_clusters
        None: the number of cell types where they are given (a variant with `uses_labels`), else by the eigengap.
    eigengap
        Graph of clusters in whose spectrum the largest gap is sought: edges, the numbers of edges between and inside
        clusters; two_step, the similarities and their square, as published.
    resolution
        Of the fine clusters.
    n_neighbours_within, n_neighbours_between
        Neighbours of a cell in its own batch, itself counted, and candidates for mutual ones in each other batch.
    mining
        hard | semihard | random; see `scbench.metric_learning.triplets.mine`.

    Raises
    ------
    ValueError
        When there is one cluster only, so that there are no triplets.
    """
    if eigengap not in GRAPHS:
        raise ValueError(f"eigengap: '{eigengap}' is not known; choose one of {', '.join(GRAPHS)}")
    seed_torch(seed)
    if n_clusters is None and data.labels is not None:
        n_clusters = len(np.unique(data.labels))
    scaling = BatchScaling.of(data.X, data.batch)
    pca = principal_components(data.X, data.batch, scaling, N_COMPONENTS)
    edges = neighbours_within_batches(pca, data.batch, n_neighbours_within)
    edges += mutual_neighbours_between_batches(pca, data.batch, n_neighbours_between)
    fine = fine_clusters(pca[:, :N_COMPONENTS_OF_GRAPH], resolution=resolution, seed=seed)
    merging = Merging.of(fine, edges)
    cluster = merging.into(n_clusters or number_of_clusters(GRAPHS[eigengap](merging)))
    model = TripletNetwork(scaling, hidden=hidden, latent_dim=latent_dim, mining=mining, margin=margin)
    cells = Cells(device, {"x": data.X, "batch": data.batch, "cluster": cluster})
    history = train(
        model.to(device),
        cells,
        weights=lambda progress: {"triplet_loss": 1.0},
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=0.0,
        seed=seed,
        checkpoint=data.checkpoint,
    )
    return Embedding(X=apply(model.eval(), cells), cluster=cluster, history=history, model=model.state_dict())
