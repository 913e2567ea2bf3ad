"""Exports of a run for use outside the workflow: arrays, clusters, silhouette."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from scipy import sparse

MAX_CELLS = 10_000  # for a silhouette
EXPORTS = (
    "latents.npy",
    "latents_z.npy",
    "umap_celltype.svg",
    "umap_batch.svg",
    "umap_cluster.svg",
    "training_losses.svg",
    "silhouette_celltype.txt",
    "clusters.tsv",
    "silhouette_clusters.tsv",
)


def standardised(X: np.ndarray) -> np.ndarray:
    """Scale every dimension of (n_cells, n_dims) to mean 0 and standard deviation 1; constant dimensions become 0."""
    spread = X.std(axis=0)
    return ((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)


def leiden_clusters(X: np.ndarray, graph: sparse.csr_matrix | None = None) -> np.ndarray:
    """Return Leiden clusters of a graph, or of the 15 neighbours in X (n_cells, n_dims); (n_cells,) strings."""
    from scbench.graphs.connectivities import connectivities
    from scbench.graphs.neighbours import nearest_of_each_cell
    from scbench.metrics.clustering import LeidenGrid

    if graph is None:
        graph = connectivities(*nearest_of_each_cell(X, min(15, len(X))))
    return LeidenGrid(graph).run(1.0).astype(str)


def clusterings(X: np.ndarray, own: np.ndarray | None, graph: sparse.csr_matrix | None = None) -> pd.DataFrame:
    """Cluster an embedding without labels.

    Parameters
    ----------
    X
        (n_cells, n_dims).
    own
        (n_cells,) clusters found by the method, if any.
    graph
        Connectivities of a method that makes a graph, which alone are then clustered.

    Returns
    -------
    Table with one row per cell and the columns own (if given), leiden (resolution 1), and kmeans with as many clusters
    as leiden (not for a graph), all str.
    """
    found = {} if own is None else {"own": np.asarray(own).astype(str)}
    found["leiden"] = leiden_clusters(X, graph)
    if graph is None:
        from scbench.metrics.clustering import kmeans

        found["kmeans"] = kmeans(X, len(np.unique(found["leiden"]))).astype(str)
    return pd.DataFrame(found)


def silhouettes(X: np.ndarray | None, clusters: pd.DataFrame) -> pd.DataFrame:
    """Return the silhouette width of each column of `clusters`, a measure of predicted clusters that needs no labels.

    Returns
    -------
    Table with the columns clustering, n_clusters, silhouette; missing (nan) without coordinates X (n_cells, n_dims),
    with a single cluster, or if every cell is a cluster.
    """
    from sklearn.metrics import silhouette_score

    rows = []
    for name in clusters:
        n_clusters, width = clusters[name].nunique(), np.nan
        if X is not None and 2 <= n_clusters < len(X):
            width = silhouette_score(X, clusters[name], sample_size=min(len(X), MAX_CELLS), random_state=0)
        rows.append((name, n_clusters, float(width)))
    return pd.DataFrame(rows, columns=["clustering", "n_clusters", "silhouette"])


def silhouette_text(X: np.ndarray, labels: np.ndarray) -> str:
    """Return the silhouette width of the cell types, (n_cells,) with "" if unknown, or why there is none, as text."""
    from sklearn.metrics import silhouette_score

    if (labels == "").any():
        return "not applicable: the dataset has no cell types"
    if not 2 <= len(np.unique(labels)) < len(X):
        return "not applicable: there is one cell type only"
    return f"{silhouette_score(X, labels, sample_size=min(len(X), MAX_CELLS), random_state=0):.6f}"
