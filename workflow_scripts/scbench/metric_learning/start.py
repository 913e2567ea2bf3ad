"""Initial state of scDML: cells scaled per batch, their principal components and neighbours across batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from scbench.graphs.edges import mutual_neighbours_between_batches, neighbours_within_batches
from scbench.graphs.leiden import fine_clusters
from scbench.graphs.merging import Merging
from scbench.metric_learning.parameters import TripletParameters
from scbench.metric_learning.scaling import BatchScaling, principal_components
from scbench.types import Dataset

N_COMPONENTS = 100
N_COMPONENTS_OF_GRAPH = 50  # for the fine clusters: the original uses the default of scanpy, 50


@dataclass(frozen=True)
class Start:
    """State of the cells before training.

    Attributes
    ----------
    scaling
        Mean and standard deviation of every gene in every batch.
    pca
        (n_cells, at most 100) principal components of the scaled cells.
    between
        (n_cells, n_cells) mutual nearest neighbours between batches.
    """

    scaling: BatchScaling
    pca: np.ndarray
    between: sparse.csr_matrix

    @classmethod
    def of(cls, data: Dataset, options: TripletParameters) -> Start:
        """Scale the log-normalised cells of `data` and find mutual neighbours between batches."""
        scaling = BatchScaling.of(data.X, data.batch)
        pca = principal_components(data.X, data.batch, scaling, N_COMPONENTS)
        return cls(scaling, pca, mutual_neighbours_between_batches(pca, data.batch, options.n_neighbours_between))

    def merging(
        self, space: np.ndarray, batch: np.ndarray, options: TripletParameters, *, seed: int, n_dims: int | None = None
    ) -> Merging:
        """Cluster the first `n_dims` dimensions of `space`, (n_cells, any), and count the edges between clusters."""
        fine = fine_clusters(space[:, :n_dims], resolution=options.resolution, seed=seed)
        edges = neighbours_within_batches(space, batch, options.n_neighbours_within) + self.between
        return Merging.of(fine, edges)
