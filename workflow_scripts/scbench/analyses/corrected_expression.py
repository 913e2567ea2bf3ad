"""Score corrected expression by the highly variable genes that it keeps."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from scbench.autoencoders.count_vae import CountVae
from scbench.autoencoders.generation import corrected_expression
from scbench.datasets.prepare import rank_genes
from scbench.neural.cells import Counts
from scbench.neural.fit import load
from scbench.runner import FinishedRun

COLUMNS = ["batch", "n_genes", "hvg_overlap", "by_chance"]
N_GENES = 500
LEAST_CELLS = 20  # of a batch


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Decode the corrected expression of each batch and compare its highly variable genes with those of the data.

    Returns
    -------
    Table corrected_expression with the columns batch, n_genes (compared), hvg_overlap (see there) and by_chance (the
    overlap of as many random genes); no rows for batches of fewer than 20 cells.
    """
    data, model = run.data("counts"), load(run.model, CountVae)
    rows = []
    for code, name in enumerate(data.batch_names):
        cells = np.flatnonzero(data.batch == code)
        if len(cells) < LEAST_CELLS:
            continue
        counts, batch = Counts.of(data)[cells], data.batch[cells]
        after = corrected_expression(model, counts, batch)
        overlap, n_genes = hvg_overlap(counts.log_normalised(), after, batch)
        rows.append({"batch": name, "n_genes": n_genes, "hvg_overlap": overlap, "by_chance": n_genes / after.shape[1]})
    return {"corrected_expression": pd.DataFrame(rows, columns=COLUMNS)}


def hvg_overlap(before: sparse.csr_matrix, after: np.ndarray, batch: np.ndarray) -> tuple[float, int]:
    """Return the share of the highly variable genes of each batch that are still so after correction, and their number.

    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8 (HVG conservation): the 500 most variable genes, or half
    of the genes if there are fewer than 1,000; mean over batches. Genes are ranked as in the preparation of datasets.

    Parameters
    ----------
    before, after
        (n_cells, n_genes) log-normalised expression.
    batch
        (n_cells,); batches of fewer than 20 cells are left out.

    Raises
    ------
    ValueError
        If all batches have fewer than 20 cells, or no gene varies in one of them.
    """
    n_genes = min(N_GENES, before.shape[1] // 2)
    shares = []
    for name, size in zip(*np.unique(batch, return_counts=True), strict=True):
        if size < LEAST_CELLS:
            continue
        cells = np.flatnonzero(batch == name)
        first, second = (_most_variable(X[cells], n_genes) for X in (before, after))
        shares.append(len(np.intersect1d(first, second)) / n_genes)
    if not shares:
        raise ValueError(f"HVG overlap: no batch has {LEAST_CELLS} cells")
    return float(np.mean(shares)), n_genes


def _most_variable(X: sparse.csr_matrix | np.ndarray, n_genes: int) -> np.ndarray:
    obs = pd.DataFrame({"batch": pd.Categorical(["one"] * X.shape[0])}, index=[str(i) for i in range(X.shape[0])])
    adata = anndata.AnnData(sparse.csr_matrix(X, dtype=np.float32), obs=obs)
    return np.flatnonzero(rank_genes(adata, n_genes, batch_aware=False) < n_genes)
