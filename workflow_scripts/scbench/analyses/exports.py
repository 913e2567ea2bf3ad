"""Exports of a run for use outside the workflow: arrays, clusters, silhouette."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

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


def silhouette_text(X: np.ndarray, labels: np.ndarray) -> str:
    """Return the silhouette width of the cell types, (n_cells,) with "" if unknown, or why there is none, as text."""
    from sklearn.metrics import silhouette_score

    if (labels == "").any():
        return "not applicable: the dataset has no cell types"
    if not 2 <= len(np.unique(labels)) < len(X):
        return "not applicable: there is one cell type only"
    return f"{silhouette_score(X, labels, sample_size=min(len(X), 10_000), random_state=0):.6f}"
