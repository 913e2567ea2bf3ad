"""Agreement between clusters of the embedding and cell types."""

import random
from collections.abc import Iterable

import numpy as np
from scipy import sparse

from scbench.graphs.agreement import contingency

RESOLUTIONS = tuple(round(0.2 * step, 1) for step in range(1, 11))
SEED = 42


def nmi(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Normalised mutual information of clusters and cell types: mutual information / mean of the two entropies.

    Range: 0 to 1; 1: identical groups; 0: the clusters carry no information about the types.
    Weakness: not corrected for chance, so many small clusters or few cells raise the score; large types dominate.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8 (arithmetic mean, as in scikit-learn).

    Parameters
    ----------
    labels, clusters
        (n_cells,).
    """
    counts = contingency(labels, clusters)
    joint = counts / counts.sum()
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    if len(rows) == len(columns) == 1:
        return 1.0
    present = joint > 0
    information = (joint[present] * np.log(joint[present] / np.outer(rows, columns)[present])).sum()
    entropies = -(rows * np.log(rows)).sum() - (columns * np.log(columns)).sum()
    return float(np.clip(2 * information / entropies, 0, 1))


def isolated_labels_f1(labels: np.ndarray, batch: np.ndarray, clusterings: Iterable[np.ndarray]) -> float:
    """Best F1 score between an isolated cell type and any cluster, mean over the isolated types.

    Isolated types are those present in the fewest batches. The best score is taken over all clusters at all Leiden
    resolutions from 0.2 to 2.0.

    Range: 0 to 1; 1: each isolated type is a cluster at some resolution.
    Weakness: the labels choose cluster and resolution; the score depends on few cells and is meaningless if every type
    is in every batch.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8.

    Parameters
    ----------
    labels, batch
        (n_cells,).
    clusterings
        Each (n_cells,).
    """
    isolated = isolated_types(labels, batch)
    best = dict.fromkeys(isolated, 0.0)
    names = np.unique(labels)
    for clusters in clusterings:
        counts = contingency(labels, clusters)
        f1 = 2 * counts / (counts.sum(axis=1, keepdims=True) + counts.sum(axis=0, keepdims=True))
        for label in isolated:
            best[label] = max(best[label], float(f1[np.searchsorted(names, label)].max()))
    return float(np.mean(list(best.values())))


def isolated_types(labels: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Return the cell types present in the fewest batches."""
    per_label = (contingency(labels, batch) > 0).sum(axis=1)
    return np.unique(labels)[per_label == per_label.min()]


class LeidenGrid:
    """Leiden clusters of one graph at the resolutions 0.2, 0.4 … 2.0, each computed once.

    The objective is modularity with resolution on the graph weights of umap-learn. The random state is fixed, and edges
    are duplicated as in scanpy and scib-metrics, which affects the random part of the refinement.
    Source: Traag et al. 2019, doi 10.1038/s41598-019-41695-z (igraph).
    """

    def __init__(self, graph: sparse.csr_matrix) -> None:
        import igraph

        coo = graph.tocoo()
        edges = np.column_stack([np.minimum(coo.row, coo.col), np.maximum(coo.row, coo.col)])
        self._graph = igraph.Graph(n=graph.shape[0], edges=edges)
        self._weights = coo.data.tolist()
        self._found: dict[float, np.ndarray] = {}

    def at(self, resolution: float) -> np.ndarray:
        """Return the cluster of each cell, (n_cells,)."""
        if resolution not in self._found:
            import igraph

            igraph.set_random_number_generator(random.Random(SEED))
            found = self._graph.community_leiden(
                objective_function="modularity", weights=self._weights, resolution=resolution
            )
            self._found[resolution] = np.asarray(found.membership)
        return self._found[resolution]

    def all(self) -> list[np.ndarray]:
        return [self.at(resolution) for resolution in RESOLUTIONS]

    def best(self, labels: np.ndarray) -> np.ndarray:
        """Return the clusters at the resolution with the highest NMI."""
        return max(self.all(), key=lambda clusters: nmi(labels, clusters))


def kmeans(X: np.ndarray, n_clusters: int) -> np.ndarray:
    """Cluster by k-means: the best of 5 seeded k-means++ runs of at most 100 iterations; (n_cells,).

    Source: FAISS, Johnson et al. 2019, doi 10.1109/TBDATA.2019.2921572.
    """
    import faiss

    points = np.ascontiguousarray(X - X.mean(axis=0), dtype=np.float32)
    n_clusters = min(n_clusters, len(np.unique(points, axis=0)))
    if n_clusters == 1:
        return np.zeros(len(points), dtype=np.int64)
    options = {"niter": 100, "nredo": 5, "seed": SEED, "min_points_per_centroid": 1}
    options["init_method"] = faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS
    model = faiss.Kmeans(points.shape[1], n_clusters, max_points_per_centroid=len(points), **options)
    model.train(points)
    return model.assign(points)[1]
