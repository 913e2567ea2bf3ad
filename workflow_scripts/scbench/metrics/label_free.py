"""Conservation of biology without cell types: neighbours within batches, stability of clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scbench.graphs.agreement import ari
from scbench.graphs.connectivities import connectivities
from scbench.metrics.clustering import LeidenGrid
from scbench.metrics.structure import trustworthiness
from scbench.seeding import generator

RESOLUTION = 1.0
N_NEIGHBOURS = 15
SHARE = 0.8


def trustworthiness_above_chance(pca: np.ndarray, X: np.ndarray, batch: np.ndarray) -> float:
    """Trustworthiness of the 15 nearest neighbours within batches, set to 0 for noise: 2 x trustworthiness - 1.

    See `trustworthiness`, of which noise has about 0.5. Without cell types there are few scores of biology, so that
    noise, which mixes batches perfectly, would have a high total.

    Range: 0 to 1; 1: all neighbours were neighbours before; 0: as many as by chance, or fewer.
    Weakness: the unintegrated PCA scores 1 by definition, and methods that remove noise within a batch are penalised.
    Source: Venna and Kaski 2001, doi 10.1007/3-540-44668-0_68, shifted by its value for noise.

    Parameters
    ----------
    pca, X
        (n_cells, n_pcs) before, (n_cells, n_dims) after integration.
    batch
        (n_cells,).
    """
    return max(0.0, 2 * trustworthiness(pca, X, batch) - 1)


def cluster_stability(nearest: tuple[np.ndarray, np.ndarray], clusterings: Sequence[np.ndarray]) -> float:
    """Adjusted Rand index between clusters of all cells and clusters of a random sample, mean over samples.

    Leiden clusters at resolution 1 with four seeds are each compared with the clusters of a seeded sample of 80 % of
    the cells, made anew on the graph of the 15 nearest neighbours within the sample. Groups of cells that are really
    there are found again; those that an algorithm cuts out of a continuum, or of noise, are not.

    Range: about 0 to 1; 1: the same clusters in every sample; 0 also if there is a single cluster.
    Weakness: batches that are kept apart are stable clusters, too, so it counts only beside scores of mixing; a correct
    continuum of cells is penalised; few large groups are more stable than many small ones.
    Source: Lange et al. 2004, doi 10.1162/089976604773717621 (stability under resampling).

    Parameters
    ----------
    nearest
        Indices and distances of the neighbours of each cell, (n_cells, k) each, the cell itself first.
    clusterings
        Leiden clusters of all cells at resolution 1, each (n_cells,).
    """
    indices, distances = nearest
    n_cells, random = len(indices), generator(0, "cluster_stability")
    found = []
    for clusters in clusterings:
        cells = np.sort(random.choice(n_cells, round(SHARE * n_cells), replace=False))
        graph = connectivities(*_within(indices, distances, cells))
        again = LeidenGrid(graph).run(RESOLUTION)
        found.append(ari(clusters[cells], again) if len(np.unique(clusters)) > 1 else 0.0)
    return float(np.mean(found))


def _within(indices: np.ndarray, distances: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest neighbours among `cells` of each of them: exact as far as the given neighbours reach."""
    place = np.full(len(indices), -1)
    place[cells] = np.arange(len(cells))
    kept = place[indices[cells]]
    k = min(N_NEIGHBOURS, int((kept >= 0).sum(axis=1).min()))
    first = np.argsort(kept < 0, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(kept, first, axis=1), np.take_along_axis(distances[cells], first, axis=1)
