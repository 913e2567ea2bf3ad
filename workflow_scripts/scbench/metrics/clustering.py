"""Agreement between clusters of the embedding and cell types."""

import random
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from scipy import sparse

from scbench.graphs.agreement import ari, contingency

RESOLUTIONS = tuple(round(0.2 * step, 1) for step in range(1, 11))
SEEDS = (1, 2, 3, 4)
FEW_SEEDS_ABOVE = 50_000  # cells; two seeds then, because each takes seconds
N_CANDIDATES = 2
LEAST_ISOLATED = 20  # cells; the silhouette of one cell is 0 and its best cluster is chance
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


def mean_nmi(labels: np.ndarray, clusterings: Sequence[np.ndarray]) -> float:
    """Normalised mutual information of Leiden clusters and cell types, mean over four seeds of Leiden.

    Range: 0 to 1; 1: identical groups; 0: the clusters carry no information about the types.
    Weakness: not corrected for chance, so many small clusters or few cells raise the score; large types dominate.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8 (a single seed there).

    Parameters
    ----------
    labels
        (n_cells,).
    clusterings
        Each (n_cells,), see `LeidenGrid.repeats`.
    """
    return float(np.mean([nmi(labels, clusters) for clusters in clusterings]))


def mean_ari(labels: np.ndarray, clusterings: Sequence[np.ndarray]) -> float:
    """Adjusted Rand index of Leiden clusters and cell types, mean over four seeds of Leiden.

    Range: -0.5 to 1; 1: identical groups; 0: expected value for random clusters (can be slightly negative).
    Weakness: large types dominate; splitting one type in two lowers the score a lot.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8 (a single seed there).

    Parameters
    ----------
    labels, clusterings
        See `mean_nmi`.
    """
    return float(np.mean([ari(labels, clusters) for clusters in clusterings]))


def sd_nmi(labels: np.ndarray, clusterings: Sequence[np.ndarray]) -> float:
    """Standard deviation (n - 1) over the seeds of Leiden of the NMI.

    Range: 0 and above; 0: all seeds agree equally well with the types. The error of `nmi_leiden_best` is half of it.
    Weakness: estimated from four seeds.
    Source: the same clusterings as `nmi_leiden_best`.

    Parameters
    ----------
    labels, clusterings
        See `mean_nmi`.
    """
    return float(np.std([nmi(labels, clusters) for clusters in clusterings], ddof=1))


def sd_ari(labels: np.ndarray, clusterings: Sequence[np.ndarray]) -> float:
    """Standard deviation (n - 1) over the seeds of Leiden of the adjusted Rand index.

    Range: 0 and above; 0: all seeds agree equally well with the types. The error of `ari_leiden_best` is half of it.
    Weakness: estimated from four seeds.
    Source: the same clusterings as `ari_leiden_best`.

    Parameters
    ----------
    labels, clusterings
        See `mean_nmi`.
    """
    return float(np.std([ari(labels, clusters) for clusters in clusterings], ddof=1))


def isolated_labels_f1(labels: np.ndarray, batch: np.ndarray, clusterings: Iterable[np.ndarray]) -> float:
    """Best F1 score between an isolated cell type and any cluster, mean over the isolated types.

    Isolated types are those present in the fewest batches, among the types of at least 20 cells. The best score is
    taken over all clusters at all Leiden resolutions from 0.2 to 2.0.

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
    """Return the cell types of at least 20 cells in the fewest batches; none if all of them are in every batch."""
    counts = contingency(labels, batch)
    n_batches = (counts > 0).sum(axis=1)
    large = counts.sum(axis=1) >= LEAST_ISOLATED
    fewest = n_batches[large].min(initial=counts.shape[1])
    return np.unique(labels)[large & (n_batches == fewest) & (fewest < counts.shape[1])]


class LeidenGrid:
    """Leiden clusters of one graph at the resolutions 0.2, 0.4 … 2.0, with several seeds where they are scored.

    The objective is modularity with resolution on the graph weights of umap-learn.
    Source: Traag et al. 2019, doi 10.1038/s41598-019-41695-z (igraph).
    """

    def __init__(self, graph: sparse.csr_matrix) -> None:
        import igraph

        coo = sparse.triu(graph, format="coo")
        self._graph = igraph.Graph(n=graph.shape[0], edges=np.column_stack([coo.row, coo.col]))
        self._weights = coo.data.tolist()
        self._repeats: dict[float, list[np.ndarray]] = {}

    @cached_property
    def search(self) -> list[np.ndarray]:
        """One clustering per resolution, each starting from the one before, which takes half the time."""
        found = [self.run(RESOLUTIONS[0], 0)]
        for resolution in RESOLUTIONS[1:]:
            start = found[-1].tolist()
            found.append(self.run(resolution, 0, initial_membership=start, n_iterations=1))
        return found

    def repeats(self, resolution: float) -> list[np.ndarray]:
        """Return clusterings with four seeds (two above 50,000 cells), each (n_cells,)."""
        if resolution not in self._repeats:
            seeds = SEEDS[:2] if self._graph.vcount() > FEW_SEEDS_ABOVE else SEEDS
            self._repeats[resolution] = [self.run(resolution, seed) for seed in seeds]
        return self._repeats[resolution]

    def best(self, labels: np.ndarray) -> list[np.ndarray]:
        """Return the clusterings at the resolution with the highest mean NMI, of the two best of the search."""
        ranked = sorted(zip(RESOLUTIONS, self.search, strict=True), key=lambda found: -nmi(labels, found[1]))
        candidates = [self.repeats(resolution) for resolution, _ in ranked[:N_CANDIDATES]]
        return max(candidates, key=lambda clusterings: mean_nmi(labels, clusterings))

    def run(self, resolution: float, seed: int = SEEDS[0], **start) -> np.ndarray:
        """Return one clustering, (n_cells,); `start` are options of igraph."""
        import igraph

        igraph.set_random_number_generator(random.Random(seed))
        try:
            found = self._graph.community_leiden(
                objective_function="modularity", weights=self._weights, resolution=resolution, **start
            )
        finally:
            igraph.set_random_number_generator(random)
        return np.asarray(found.membership)


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
