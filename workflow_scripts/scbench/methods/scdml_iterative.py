"""scDML with self-training: cluster the embedding, mine triplets from the clusters, train again, until it is stable.

The first round is scDML (Yu et al. 2023, doi 10.1038/s41467-023-36635-5). The later rounds are this project's version
of self-training with pseudo-labels (Caron et al. 2018, doi 10.1007/978-3-030-01264-9_9).
docs/explanation/methods/scdml.md gives the reasons for each choice.
"""

from __future__ import annotations

from dataclasses import replace

from scbench.metric_learning.parameters import SelfTrainingParameters as Parameters
from scbench.types import Dataset, Embedding

REACH = 3  # maximum change of the number of clusters relative to the first round


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the embedding, (n_cells, latent_dim), the clusters of the last accepted round and the table `rounds`.

    Raises
    ------
    ValueError
        If there is only one cluster, which gives no triplets.
    """
    import numpy as np

    from scbench.metric_learning.rounds import RoundTrainer
    from scbench.metric_learning.self_training import self_train
    from scbench.metric_learning.start import N_COMPONENTS_OF_GRAPH, Start
    from scbench.neural.automatic import embedding_width

    options = Parameters.of(parameters)
    options = replace(options, latent_dim=options.latent_dim or embedding_width(data.n_cells))
    start = Start.of(data, options)
    trainer = RoundTrainer(data, start.scaling, options, seed=seed, device=device)
    first = start.merging(start.pca, data.batch, options, seed=seed, n_dims=N_COMPONENTS_OF_GRAPH)
    cluster = first.separate() if options.n_clusters is None else first.into(options.n_clusters)
    low, high = max(2, cluster.max() + 1 - REACH), cluster.max() + 1 + REACH

    def recluster(space: np.ndarray) -> np.ndarray:
        found = start.merging(space, data.batch, options, seed=seed)
        if len(found.sizes) == 1:
            return found.fine
        return found.separate(low, high)

    cluster, trained, history, rounds = self_train(cluster, fit=trainer.fit, recluster=recluster, rounds=options.rounds)
    return Embedding(X=trained.X, cluster=cluster, history=history, model=trained.state, tables={"rounds": rounds})
