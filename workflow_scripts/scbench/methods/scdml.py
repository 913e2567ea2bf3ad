"""scDML: merge fine clusters that are connected by neighbours across batches, then learn an embedding from triplets.

Source: Yu et al. 2023, doi 10.1038/s41467-023-36635-5, following their released code.
docs/explanation/methods/scdml.md explains the differences.
"""

from __future__ import annotations

from dataclasses import replace

from scbench.metric_learning.parameters import ScdmlParameters as Parameters
from scbench.types import Dataset, Embedding


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the embedding, (n_cells, latent_dim), and the merged clusters.

    Raises
    ------
    ValueError
        If there is only one cluster, which gives no triplets.
    """
    import numpy as np

    from scbench.graphs.merging import number_of_clusters
    from scbench.metric_learning.network import TripletNetwork
    from scbench.metric_learning.start import N_COMPONENTS_OF_GRAPH, Start
    from scbench.neural.fit import fit

    options = Parameters.of(parameters)
    start = Start.of(data, options)
    merging = start.merging(start.pca, data.batch, options, seed=seed, n_dims=N_COMPONENTS_OF_GRAPH)
    n_clusters = options.n_clusters
    if n_clusters is None and data.labels is not None:
        n_clusters = len(np.unique(data.labels))
    if n_clusters is None and options.eigengap == "two_step":
        n_clusters = number_of_clusters(merging.two_step_graph)
    cluster = merging.separate() if n_clusters is None else merging.into(n_clusters)

    def make() -> TripletNetwork:
        model = TripletNetwork(options, n_batches=len(start.scaling.mean), n_genes=data.X.shape[1])
        model.start_at(start.scaling)
        return model

    found = fit(
        data,
        make,
        options,
        columns={"x": data.X, "batch": data.batch, "cluster": cluster},
        weights=lambda progress: {"triplet_loss": 1.0},
        seed=seed,
        device=device,
        weight_decay=0.0,
    )
    return replace(found, cluster=cluster)
