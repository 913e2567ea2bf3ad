"""Clusters that batches share, found without cell types: within them, batches may be made alike."""

import numpy as np

from scbench.graphs.edges import mutual_neighbours_between_batches, neighbours_within_batches
from scbench.graphs.leiden import fine_clusters
from scbench.graphs.merging import Merging, number_of_clusters


def shared_clusters(pca: np.ndarray, batch: np.ndarray, *, seed: int) -> np.ndarray:
    """Merge fine clusters that neighbours, mutual ones between batches, hold together; (n_cells,) codes.

    Parameters
    ----------
    pca
        (n_cells, n_pcs) principal components; the mean of every batch is taken away first.

    Notes
    -----
    The steps are those of scDML (Yu et al. 2023, doi 10.1038/s41467-023-36635-5), the number of clusters that of
    `scdml_iterative`. A cell type that one batch alone has finds no mutual neighbours and keeps a cluster of its own.
    """
    sums = np.zeros((batch.max() + 1, pca.shape[1]))
    np.add.at(sums, batch, pca)
    centred = (pca - (sums / np.maximum(np.bincount(batch), 1)[:, None])[batch]).astype(np.float32)
    fine = fine_clusters(centred, resolution=3.0, seed=seed)
    if fine.max() < 1:
        return fine
    edges = neighbours_within_batches(centred, batch, 5) + mutual_neighbours_between_batches(centred, batch, 10)
    merging = Merging.of(fine, edges)
    return merging.into(number_of_clusters(merging.counts))
