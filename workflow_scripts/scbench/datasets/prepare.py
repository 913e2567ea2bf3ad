"""From raw counts to the input of the methods: normalisation, highly variable genes, PCA; the truth is split off."""

from __future__ import annotations

import json
from collections.abc import Collection

import anndata
import numpy as np
import pandas as pd
import scanpy
from scipy import sparse
from sklearn.decomposition import PCA

from scbench.checks import CONDITION, LABEL_PREFIX
from scbench.datasets.cell_cycle import G2M_GENES, S_GENES
from scbench.prepared import PHASES

MIN_CELLS_TO_VOTE = 20  # dispersions of smaller batches are noise, and scanpy's binning fails on a few cells
MIN_PHASE_GENES = 10
BLOCK = 1000  # cells that are transformed at a time
MIN_CELLS_OF_BATCH, N_GENES_OF_BATCH, N_PCS_OF_BATCH = 100, 1000, 10  # for the PCA of a batch alone
MIN_SHAPE = 3  # cells and genes; fewer do not give two principal components


def prepare(
    raw: anndata.AnnData,
    *,
    n_top_genes: int,
    hvg_batch_aware: bool,
    target_sum: float,
    n_pcs: int,
    min_cells_per_gene: int,
    genes: Collection[str] | None = None,
) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Normalise, select highly variable genes and compute the PCA; split off the cell types.

    Parameters
    ----------
    raw
        Counts of all genes; see `scbench.files.write_raw`.
    n_top_genes
        Number of genes to keep, in the order of `raw`; all genes if there are fewer.
    target_sum
        Total counts per cell after normalisation by the counts over all genes.
    genes
        Genes to keep, if detected, instead of the `n_top_genes`.

    Returns
    -------
    The dataset (see `scbench.files.read_dataset`; PCA of the unscaled log-normalised HVG, with the largest loading of
    each component positive; uns cell_cycle says how the scores in obs were computed, or why they were not) and the
    truth (cell_id, batch, cell_type; empty if unknown; further columns as in `raw`).

    Raises
    ------
    ValueError
        If cells have no counts, there are too few cells or genes, or genes do not vary.
    """
    settings = {key: value for key, value in locals().items() if key not in ("raw", "genes")}
    counts = _without_zeros(sparse.csr_matrix(raw.X, dtype=np.int32))
    total_counts = np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()
    if (total_counts == 0).any():
        raise ValueError(f"{int((total_counts == 0).sum())} cells have no counts; remove them from the dataset")
    detected = counts.getnnz(axis=0) >= min_cells_per_gene
    counts = _columns(counts, detected)
    if min(counts.shape) < MIN_SHAPE:
        found = f"{counts.shape[0]} cells and {counts.shape[1]} genes in at least {min_cells_per_gene} cells"
        raise ValueError(f"{found} are too few; at least {MIN_SHAPE} of each are needed (min_cells_per_gene)")

    batch = raw.obs["batch"].cat.remove_unused_categories()
    obs = pd.DataFrame({"batch": batch, "total_counts": total_counts, **raw.obs.filter(["pseudotime"])})
    adata = anndata.AnnData(X=lognormalise(counts, total_counts, target_sum), obs=obs, var=raw.var.loc[detected, []])
    uns = {"cell_cycle": _score_cell_cycle(adata), "preprocessing": json.dumps(settings)}
    adata.var["highly_variable_rank"] = rank_genes(adata, n_top_genes, batch_aware=hvg_batch_aware)
    obsm = {"X_pca_batch": pca_of_batches(adata)}
    ranks = adata.var["highly_variable_rank"]
    kept = np.asarray(ranks < n_top_genes if genes is None else adata.var_names.isin(list(genes)))
    X, counts = _columns(adata.X, kept), _columns(counts, kept)
    adata = anndata.AnnData(X=X, obs=adata.obs, var=adata.var[kept], obsm=obsm, uns=uns, layers={"counts": counts})
    adata.obsm["X_pca"] = _pca(adata.X, n_pcs)
    return adata, _truth(raw.obs)


def _columns(matrix: sparse.csr_matrix, kept: np.ndarray) -> sparse.csr_matrix:
    """Return the columns `kept`, (n_columns,) bool; if these are all, return the matrix itself instead of a copy."""
    return matrix if kept.all() else matrix[:, kept]


def _truth(obs: pd.DataFrame) -> pd.DataFrame:
    """Return cell_id, batch, cell_type and, where there are any, condition and levels of cell types."""
    known = [column for column in obs if column in ("batch", "cell_type", CONDITION) or column.startswith(LABEL_PREFIX)]
    truth = pd.DataFrame({"cell_id": obs.index, "batch": "", "cell_type": ""})
    return truth.assign(**{column: obs[column].astype(str).to_numpy() for column in known})


def _without_zeros(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return a copy without stored zeros, or the matrix itself if it has none."""
    if not counts.data.all():
        counts = counts.copy()
        counts.eliminate_zeros()
    return counts


def lognormalise(counts: sparse.csr_matrix, total_counts: np.ndarray, target_sum: float) -> sparse.csr_matrix:
    """Return log(1 + count x target_sum / total count of the cell) as CSR float32 with the indices of `counts`."""
    scale = target_sum / total_counts
    values = np.empty(counts.nnz, dtype=np.float32)
    for start in range(0, counts.shape[0], BLOCK):
        rows = slice(start, min(start + BLOCK, counts.shape[0]))
        part = slice(counts.indptr[rows.start], counts.indptr[rows.stop])
        entries = np.diff(counts.indptr[rows.start : rows.stop + 1])
        values[part] = np.log1p(counts.data[part] * np.repeat(scale[rows], entries))
    return sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


def rank_genes(adata: anndata.AnnData, n_top_genes: int, *, batch_aware: bool) -> np.ndarray:
    """Rank the genes by normalised dispersion (flavor "seurat"); 0 is the most variable gene.

    If batch-aware, rank first by the number of batches in which a gene is among the `n_top_genes`, then by mean
    normalised dispersion over batches. Batches of fewer than 20 cells are ignored. Ties keep the order of the genes.

    Source: Satija et al. 2015, 10.1038/nbt.3192, as in `scanpy.pp.highly_variable_genes`.
    """
    batch = adata.obs["batch"]
    voting = batch.isin(batch.value_counts().loc[lambda cells: cells >= MIN_CELLS_TO_VOTE].index)
    by_batch = batch_aware and batch[voting].nunique() > 1
    voters = anndata.AnnData(X=adata.X, obs=adata.obs[["batch"]], var=adata.var[[]])
    if by_batch:
        if not voting.all():
            voters = voters[voting.to_numpy()].copy()
        voters.obs["batch"] = voters.obs["batch"].cat.remove_unused_categories()
    if _is_constant(voters.X):
        raise ValueError("no gene varies between the cells; check that the dataset holds counts of single cells")
    n_top_genes = min(n_top_genes, adata.n_vars)
    key = "batch" if by_batch else None
    try:
        table = scanpy.pp.highly_variable_genes(
            voters, n_top_genes=n_top_genes, flavor="seurat", batch_key=key, inplace=False
        )
    except IndexError as error:  # scanpy found no gene with a dispersion
        raise ValueError("no gene varies more or less than others of its mean; the genes cannot be ranked") from error
    dispersion = -table["dispersions_norm"].fillna(-np.inf).to_numpy()
    votes = -table["highly_variable_nbatches"].to_numpy() if by_batch else np.zeros(adata.n_vars)
    rank = np.empty(adata.n_vars, dtype=np.int64)
    rank[np.lexsort((dispersion, votes))] = np.arange(adata.n_vars)
    return rank


def _is_constant(X: sparse.csr_matrix) -> bool:
    """Return whether all rows are equal."""
    blocks = (X[start : start + BLOCK] for start in range(0, X.shape[0], BLOCK))
    return all((block != X[np.zeros(block.shape[0], dtype=int)]).nnz == 0 for block in blocks)


def pca_of_batches(adata: anndata.AnnData) -> np.ndarray:
    """Return 10 principal components of the 1,000 most variable genes of each batch alone, (n_cells, 10) float32.

    Missing (nan) for batches of fewer than 100 cells. scGraph needs them. Source: Wang et al. 2024, doi
    10.1101/2024.04.02.587824.
    """
    result = np.full((adata.n_obs, N_PCS_OF_BATCH), np.nan, dtype=np.float32)
    for name, cells in adata.obs.groupby("batch", observed=True).indices.items():
        if len(cells) < MIN_CELLS_OF_BATCH or adata.n_vars <= N_PCS_OF_BATCH:
            continue
        one = adata[cells]
        try:
            kept = rank_genes(one, N_GENES_OF_BATCH, batch_aware=False) < N_GENES_OF_BATCH
            result[cells] = _pca(one.X[:, kept], N_PCS_OF_BATCH)
        except ValueError as problem:  # no gene varies
            print(f"batch {name} has no PCA of its own: {problem}")
    return result


def _score_cell_cycle(adata: anndata.AnnData) -> str:
    """Add S_score and G2M_score to obs if enough genes of both phases are present; return a note on the outcome."""
    symbols = dict(zip(reversed(adata.var_names.str.upper()), reversed(adata.var_names), strict=True))
    s_genes, g2m_genes = ([symbols[gene] for gene in genes if gene in symbols] for genes in (S_GENES, G2M_GENES))
    found = f"{len(s_genes)} of {len(S_GENES)} S genes and {len(g2m_genes)} of {len(G2M_GENES)} G2/M genes"
    if min(len(s_genes), len(g2m_genes)) < MIN_PHASE_GENES:
        return f"not scored: {found} are in the data, {MIN_PHASE_GENES} of each are needed"
    scored = anndata.AnnData(X=adata.X, obs=adata.obs[[]], var=adata.var[[]])
    try:
        scanpy.tl.score_genes_cell_cycle(scored, s_genes=s_genes, g2m_genes=g2m_genes, random_state=0)
    except ValueError as error:  # scanpy found no control genes of the same mean
        return f"not scored: {error}"
    adata.obs[PHASES] = scored.obs[PHASES].astype(np.float64)
    return f"scored with {found}"


def _pca(X: sparse.csr_matrix, n_pcs: int) -> np.ndarray:
    n_pcs = min(n_pcs, *(size - 1 for size in X.shape))
    # scikit-learn makes the largest loading of each component positive
    return PCA(n_pcs, svd_solver="arpack", random_state=0, copy=False).fit_transform(X)
