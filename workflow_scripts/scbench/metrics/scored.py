"""An embedding and the data needed to score it: the arguments of all metrics, each computed once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from scbench.graphs.connectivities import connectivities
from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.graphs.paths import nearest_along_edges
from scbench.metrics.clustering import LEAST_ISOLATED, LeidenGrid, isolated_types, kmeans
from scbench.metrics.errors import NotApplicableError
from scbench.metrics.kbet import kbet_accepted
from scbench.metrics.lisi import N_NEIGHBOURS, mixing_within_types, neighbour_weights
from scbench.metrics.silhouette import cosine_silhouette_widths, silhouette_widths, widths_within_types
from scbench.seeding import generator

if TYPE_CHECKING:
    from scbench.metrics.metric import Need
    from scbench.types import Graph

LABEL_FREE = ("points", "nearest", "weights", "_leiden")  # cached properties that do not depend on cell types
JITTER = 1e-3  # of the standard deviation; less is lost in single precision


@dataclass(frozen=True)
class Scored:
    """An embedding and its cells; every attribute can be an argument of a metric function.

    Attributes
    ----------
    embedding
        (n_cells, n_dims), in `canonical.canonical_order`.
    pca
        (n_cells, n_pcs) principal components before integration.
    batch, labels
        (n_cells,) strings; labels are empty if unknown.
    clusters
        (n_cells,) clusters found by the method, if any.
    phases
        (n_cells, 2) scores of the S and G2/M phases, if they could be computed.
    graph
        The result of a method that makes a graph: neighbours are then the nearest cells along its edges, its weights
        are the connectivities, and there are no coordinates.
    expression
        (n_cells, n_genes) log-normalised expression of the most variable genes.
    batch_pca
        (n_cells, 10) principal components of each batch alone, missing (nan) for batches of fewer than 100 cells.
    pseudotime
        (n_cells,) place along a trajectory, missing (nan) for cells that are not on it.
    condition
        (n_cells,) strings, if there is a condition that integration should keep.
    null_split
        Whether the batches are random parts of one batch.
    """

    embedding: np.ndarray
    pca: np.ndarray
    batch: np.ndarray
    labels: np.ndarray
    clusters: np.ndarray | None = None
    phases: np.ndarray | None = None
    graph: Graph | None = None
    expression: sparse.csr_matrix | None = None
    batch_pca: np.ndarray | None = None
    pseudotime: np.ndarray | None = None
    condition: np.ndarray | None = None
    null_split: bool = False

    def with_labels(self, labels: np.ndarray) -> Scored:
        """Return the same cells with other cell types, (n_cells,); what does not depend on these is kept."""
        other = replace(self, labels=labels)
        vars(other).update({name: value for name, value in vars(self).items() if name in LABEL_FREE})
        return other

    def reason_against(self, need: Need) -> str:
        """Return why a metric with this need is not applicable here; empty if it is applicable."""
        match need:
            case "labels" if (self.labels == "").any():
                return "the dataset has no cell types"
            case "labels" if len(np.unique(self.labels)) == 1:
                return "there is one cell type only"
            case "batches" if len(np.unique(self.batch)) == 1:
                return "there is one batch only"
            case "isolated_types" if not len(isolated_types(self.labels, self.batch)):
                return f"every cell type of at least {LEAST_ISOLATED} cells is in every batch"
            case "clusters" if self.clusters is None:
                return "the method makes no clusters of its own"
            case "cell_cycle" if self.phases is None:
                return "the dataset has no cell cycle scores; they need real gene symbols"
            case "expression" if self.expression is None:
                return "the expression of genes is not given"
            case "batch_pca" if self.batch_pca is None or np.isnan(self.batch_pca).all():
                return "the dataset has no PCA of a batch; batches of at least 100 cells have one"
            case "pseudotime" if self.pseudotime is None or np.isnan(self.pseudotime).all():
                return "the dataset has no pseudotime_key"
            case "conditions" if self.condition is None:
                return "the dataset has no condition_key"
            case "conditions" if self.condition is not None and len(np.unique(self.condition)) == 1:
                return "there is one condition only"
            case "null_split" if not self.null_split:
                return "the batches are no null split"
        return ""

    @property
    def X(self) -> np.ndarray:
        """(n_cells, n_dims) coordinates.

        Raises
        ------
        NotApplicableError
            If the method makes a graph.
        """
        if self.graph is not None:
            raise NotApplicableError("the method makes a graph, without coordinates")
        return self.embedding

    @cached_property
    def points(self) -> np.ndarray:
        """Embedding in which cells at the same position are moved apart slightly, so that they have neighbours."""
        same = (self.X[1:] == self.X[:-1]).all(axis=1)  # equal rows are adjacent in the canonical order
        moved = np.flatnonzero(np.append(same, False) | np.append(False, same))
        points = self.X.astype(np.float64) - self.X.mean(axis=0, dtype=np.float64)
        noise = generator(0, "points").standard_normal((len(moved), points.shape[1]))
        points[moved] += JITTER * (points.std() or 1.0) * noise
        return points

    @cached_property
    def nearest(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices and distances of the 90 nearest neighbours of each cell, the cell itself first."""
        k = min(N_NEIGHBOURS, len(self.batch))
        if self.graph is not None:
            return nearest_along_edges(self.graph.connectivities, self.graph.distances, k)
        return nearest_of_each_cell(self.points, k)

    @property
    def indices(self) -> np.ndarray:
        """(n_cells, 90) neighbours, the cell itself first."""
        return self.nearest[0]

    @property
    def indices_15(self) -> np.ndarray:
        """(n_cells, 15) neighbours, the cell itself first."""
        return self.indices[:, :15]

    @cached_property
    def weights(self) -> np.ndarray:
        """(n_cells, 89) neighbour weights of LISI."""
        return neighbour_weights(self.nearest[1])

    @property
    def connectivities_15(self) -> sparse.csr_matrix:
        """(n_cells, n_cells) weights of the graph of 15 neighbours."""
        return self._connectivities(15)

    @property
    def connectivities_50(self) -> sparse.csr_matrix:
        """(n_cells, n_cells) weights of the graph of 50 neighbours."""
        return self._connectivities(50)

    def _connectivities(self, n_neighbours: int) -> sparse.csr_matrix:
        if self.graph is not None:
            return self.graph.connectivities
        indices, distances = self.nearest
        return connectivities(indices[:, :n_neighbours], distances[:, :n_neighbours])

    @cached_property
    def _leiden(self) -> LeidenGrid:
        return LeidenGrid(self.connectivities_15)

    @property
    def clusterings(self) -> list[np.ndarray]:
        """Leiden clusters (n_cells,) at each resolution."""
        return self._leiden.search

    @property
    def leiden_r1(self) -> list[np.ndarray]:
        """Leiden clusters (n_cells,) at resolution 1, with four seeds."""
        return self._leiden.repeats(1.0)

    @cached_property
    def leiden_best(self) -> list[np.ndarray]:
        """Leiden clusters (n_cells,) at the resolution with the highest NMI, with four seeds."""
        return self._leiden.best(self.labels)

    @cached_property
    def kmeans(self) -> np.ndarray:
        """(n_cells,) k-means clusters, as many as cell types."""
        return kmeans(self.X, len(np.unique(self.labels)))

    @cached_property
    def widths(self) -> np.ndarray:
        """(n_cells,) silhouette widths with respect to cell types."""
        return silhouette_widths(self.X, self.labels)

    @cached_property
    def batch_widths(self) -> np.ndarray:
        """(n_cells,) silhouette widths with respect to batches within cell types."""
        return widths_within_types(self.X, self.batch, self.labels, silhouette_widths)

    @cached_property
    def cosine_widths(self) -> np.ndarray:
        """(n_cells,) the same with cosine distances and the mean over all other batches."""
        return widths_within_types(self.X, self.batch, self.labels, cosine_silhouette_widths)

    @cached_property
    def mixing(self) -> np.ndarray:
        """(n_cells,) LISI of the batches within cell types, from 0 to 1."""
        return mixing_within_types(self.points, self.batch, self.labels)

    @cached_property
    def accepted(self) -> np.ndarray:
        """(n_cells,) whether kBET accepts the batches in the neighbourhood of a cell."""
        return kbet_accepted(self.connectivities_50, self.batch, self.labels)
