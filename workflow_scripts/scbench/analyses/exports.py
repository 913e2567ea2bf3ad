"""What a run leaves for people who work outside the workflow: arrays, clusters, silhouette."""

from __future__ import annotations

import numpy as np

EXPORTS = (
    "latents.npy",
    "latents_z.npy",
    "umap_celltype.svg",
    "umap_batch.svg",
    "umap_cluster.svg",
    "training_losses.svg",
    "silhouette_celltype.txt",
)


def standardised(X: np.ndarray) -> np.ndarray:
    """Scale every dimension of (n_cells, n_dims) to mean 0 and sd 1; one that does not vary becomes 0."""
    spread = X.std(axis=0)
    return ((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)


def leiden_clusters(X: np.ndarray) -> np.ndarray:
    """Leiden clusters of (n_cells, n_dims) at resolution 1 of the graph of 15 neighbours; (n_cells,) strings."""
    from scbench.graphs.connectivities import connectivities
    from scbench.graphs.neighbours import nearest_of_each_cell
    from scbench.metrics.clustering import LeidenGrid

    graph = connectivities(*nearest_of_each_cell(X, min(15, len(X))))
    return LeidenGrid(graph).at(1.0).astype(str)


def silhouette_text(X: np.ndarray, labels: np.ndarray) -> str:
    """The silhouette width of the cell types, (n_cells,) of which "" are unknown, or why there is none."""
    from sklearn.metrics import silhouette_score

    if (labels == "").any():
        return "not applicable: the dataset has no cell types"
    if not 2 <= len(np.unique(labels)) < len(X):
        return "not applicable: there is one cell type only"
    return f"{silhouette_score(X, labels, sample_size=min(len(X), 10_000), random_state=0):.6f}"
