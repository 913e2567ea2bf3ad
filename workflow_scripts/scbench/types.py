"""Objects that the steps exchange in memory: the dataset a method receives and the embedding it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from scipy import sparse

HISTORY_COLUMNS = ["epoch", "term", "value"]


class ConfigError(ValueError):
    """An error in the configuration; the message names the file, the key and the fix."""


class ContractError(ValueError):
    """A file that violates its contract; the message names the file and the problem."""


@dataclass(frozen=True)
class Checkpoint:
    """Checkpoint of a run: a file, and a digest of everything that the result depends on.

    A file written with another key belongs to another run; training does not resume from it. Each further stage of a
    training has a file of its own beside it.
    """

    path: Path
    key: str = ""

    def stage(self, name: str) -> Checkpoint:
        """Return the checkpoint of one of several stages of a training."""
        return Checkpoint(self.path.with_name(f"{self.path.stem}-{name}{self.path.suffix}"), self.key)

    def remove(self) -> None:
        """Remove the files of the run and of its stages."""
        from scbench.integrity import remove

        for path in (self.path, *self.path.parent.glob(f"{self.path.stem}-*{self.path.suffix}")):
            remove(path)


@dataclass(frozen=True)
class Dataset:
    """Input of a method.

    Attributes
    ----------
    X
        (n_cells, n_genes) CSR int32 counts or CSR float32 log-normalised values, or (n_cells, n_pcs) float32 principal
        components, depending on the input that the method declares.
    batch
        (n_cells,) int codes into `batch_names`.
    total_counts
        (n_cells,) total counts over all genes, before HVG selection.
    pca
        (n_cells, n_pcs) float32.
    labels
        (n_cells,) cell types for methods that declare `uses_labels`, otherwise None.
    checkpoint
        Checkpoint from which a killed run resumes, for methods with long training.
    gene_rank
        (n_genes,) rank of the genes by variability, 0 is the most variable; None: the order of the genes.
    gene_vectors
        {source: (n_genes, width) float32} for the declared sources that gave vectors.
    target_sum
        Counts per cell, over all genes, after normalisation.
    pretrained
        Content of model.pt of a trunk that was pretrained on other datasets, for methods that declare `pretrained`.
    """

    name: str
    X: sparse.csr_matrix | np.ndarray
    batch: np.ndarray
    batch_names: tuple[str, ...]
    gene_names: np.ndarray
    total_counts: np.ndarray
    pca: np.ndarray
    labels: np.ndarray | None = None
    checkpoint: Checkpoint | None = None
    gene_rank: np.ndarray | None = None
    gene_vectors: Mapping[str, np.ndarray] = field(default_factory=dict)
    target_sum: float = 1e4
    pretrained: Mapping[str, Any] | None = None

    @property
    def n_cells(self) -> int:
        return self.X.shape[0]

    @property
    def scale(self) -> np.ndarray:
        """Return the factor by which normalisation multiplies the counts of each cell, (n_cells,)."""
        return self.target_sum / self.total_counts


@dataclass(frozen=True)
class Graph:
    """A graph of cells, as a method returns it that makes no embedding.

    Attributes
    ----------
    connectivities
        (n_cells, n_cells) symmetric CSR weights of the edges, above 0.
    distances
        (n_cells, n_cells) CSR distances from each cell to its neighbours, not symmetric.
    """

    connectivities: sparse.csr_matrix
    distances: sparse.csr_matrix

    def ordered(self, order: np.ndarray) -> Graph:
        """Return the graph with its cells in another order, (n_cells,) indices."""
        matrices = (self.connectivities, self.distances)
        return Graph(*(matrix[order][:, order].sorted_indices() for matrix in matrices))


@dataclass(frozen=True)
class Embedding:
    """Result of a method.

    Attributes
    ----------
    X
        (n_cells, n_dims) float32, rows in the order of the dataset.
    cluster
        (n_cells,) clusters found by the method, if any.
    history
        Table with the columns epoch, term, value: one row per epoch and loss term, and no other rows.
    model
        Content of model.pt: plain values and tensors, see `scbench.neural.fit.state_of`.
    tables
        {name: table}: additional tables that the method declares in config/methods.yaml.
    graph
        The result of a method that makes a graph; X is then the space in which it searched the neighbours.
    """

    X: np.ndarray
    cluster: np.ndarray | None = None
    history: pd.DataFrame | None = None
    model: dict | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    graph: Graph | None = None
