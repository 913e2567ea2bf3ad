"""What methods and metrics take from a prepared dataset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from scbench.types import Dataset

if TYPE_CHECKING:
    from anndata import AnnData

PHASES = ["S_score", "G2M_score"]  # columns of obs, present only if enough of the genes are


def cell_cycle_phases(adata: AnnData) -> np.ndarray | None:
    """Return the S and G2/M scores of a prepared dataset, (n_cells, 2), or None if they could not be computed."""
    return adata.obs[PHASES].to_numpy() if set(PHASES) <= set(adata.obs) else None


def method_input(adata: AnnData, name: str, declared: str, labels: np.ndarray | None = None) -> Dataset:
    """Return the input that a method declares: counts | lognorm | pca.

    Of the matrices of cells x genes, `adata` needs the one that `matrix_of` names.
    """
    matrix = {"counts": adata.layers.get("counts"), "lognorm": adata.X, "pca": adata.obsm["X_pca"]}[declared]
    batch = adata.obs["batch"].cat
    return Dataset(
        name=name,
        X=matrix.astype(np.int32, copy=False) if declared == "counts" else matrix,
        batch=batch.codes.to_numpy().astype(np.int64),
        batch_names=tuple(map(str, batch.categories)),
        gene_names=adata.var_names.to_numpy().astype(str),
        total_counts=adata.obs["total_counts"].to_numpy().astype(np.float64),
        pca=np.asarray(adata.obsm["X_pca"], dtype=np.float32),
        labels=labels,
        gene_rank=adata.var["highly_variable_rank"].to_numpy(),
        target_sum=target_sum(adata),
    )


def matrix_of(declared: str) -> list[str]:
    """Return the `matrices` to read from a prepared dataset for a method that declares counts | lognorm | pca."""
    return {"counts": ["counts"], "lognorm": ["X"], "pca": []}[declared]


def target_sum(adata: AnnData) -> float:
    """Return the counts per cell, over all genes, to which a prepared dataset was normalised."""
    return float(json.loads(adata.uns["preprocessing"])["target_sum"])
