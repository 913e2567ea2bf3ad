"""What passes between the steps in memory: a dataset as a method gets it, the embedding it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from scipy import sparse

HISTORY_COLUMNS = ["epoch", "term", "value"]


class ConfigError(ValueError):
    """A mistake in the configuration; the message names the file, the key and the remedy."""


class ContractError(ValueError):
    """A file that does not hold what its contract promises; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a killed run goes on: a file, and the digest of all that its result depends on.

    A file that was written under another key is of another run, and is not resumed from.
    """

    path: Path
    key: str = ""


@dataclass(frozen=True)
class Dataset:
    """What a method is given.

    Attributes
    ----------
    X
        (n_cells, n_genes) CSR int32 counts or CSR float32 log-normalised values, or (n_cells, n_pcs) float32 principal
        components: the input that the method declares.
    batch
        (n_cells,) int codes into `batch_names`.
    total_counts
        (n_cells,) counts over all genes, before the selection of HVG.
    pca
        (n_cells, n_pcs) float32.
    labels
        (n_cells,) cell types, for methods that declare `uses_labels`; else None.
    checkpoint
        Where a killed run goes on, for methods that train for long.
    gene_rank
        (n_genes,) how variable a gene is, 0 the most; None: as the genes stand.
    gene_vectors
        {source: (n_genes, width) float32} of the sources that the method declares and that gave vectors.
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

    @property
    def n_cells(self) -> int:
        return self.X.shape[0]


@dataclass(frozen=True)
class Embedding:
    """What a method returns.

    Attributes
    ----------
    X
        (n_cells, n_dims) float32, rows in the order of the dataset.
    cluster
        (n_cells,) the method's own clusters, if it makes any.
    history
        Table epoch, term, value: one row per epoch and loss term, nothing else.
    model
        What model.pt holds: plain values and tensors, see `scbench.neural.fit.state_of`.
    tables
        {name: table}: further tables that the method declares in config/methods.yaml.
    """

    X: np.ndarray
    cluster: np.ndarray | None = None
    history: pd.DataFrame | None = None
    model: dict | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
