"""Clusters shared by batches, found without cell types, within which a method may align the batches."""

import numpy as np

from scbench.graphs.edges import mutual_neighbours_between_batches, neighbours_within_batches
from scbench.graphs.leiden import fine_clusters
from scbench.graphs.merging import Merging


def shared_clusters(pca: np.ndarray, batch: np.ndarray, *, seed: int) -> np.ndarray:
    """Merge fine clusters connected by neighbours within and mutual neighbours between batches; (n_cells,) codes.

    Parameters
    ----------
    pca
        (n_cells, n_pcs) principal components; the mean of every batch is subtracted first.

    Notes
    -----
    The steps are those of scDML (Yu et al. 2023, doi 10.1038/s41467-023-36635-5); the number of clusters is chosen as
    in `scdml_iterative`. A cell type that is in one batch only has no mutual neighbours and keeps its own cluster.
    """
    merging = merging_of(pca, batch, seed=seed)
    return merging.separate() if len(merging.sizes) > 1 else merging.fine


def merging_of(pca: np.ndarray, batch: np.ndarray, *, seed: int) -> Merging:
    """Return the fine clusters that `shared_clusters` merges, and the edges between them."""
    sums = np.zeros((batch.max() + 1, pca.shape[1]))
    np.add.at(sums, batch, pca)
    centred = (pca - (sums / np.maximum(np.bincount(batch), 1)[:, None])[batch]).astype(np.float32)
    fine = fine_clusters(centred, resolution=3.0, seed=seed)
    edges = neighbours_within_batches(centred, batch, 5) + mutual_neighbours_between_batches(centred, batch, 10)
    return Merging.of(fine, edges)
