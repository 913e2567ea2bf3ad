"""The files that pass between the steps: each is checked when it is written and again when it is read.

The table of all files and their content stands in docs/files.md. Writes are atomic: beside, then renamed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from anndata import AnnData

HISTORY_COLUMNS = ["epoch", "term", "value"]
TRUTH_COLUMNS = ["cell_id", "batch", "cell_type"]
SCORE_COLUMNS = ["dataset", "method", "seed", "metric", "group", "value", "status", "reason", "implementation"]
PHASES = ["S_score", "G2M_score"]  # columns of obs, where the genes allow
EXPORTS = (
    "latents.npy",
    "latents_z.npy",
    "umap_celltype.svg",
    "umap_batch.svg",
    "umap_cluster.svg",
    "training_losses.svg",
    "silhouette_celltype.txt",
)
SCORE_STATUS = ("ok", "not_applicable", "failed")


class ContractError(ValueError):
    """A file that does not hold what its contract promises; the message names the file and what is wrong."""


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
        File from which a killed run resumes, for methods that train for long; it is not there at first.
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
    checkpoint: Path | None = None
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
        (n_cells, n_dims) float32, rows in the order of the data set.
    cluster
        (n_cells,) the method's own clusters, if it makes any.
    history
        Table with the columns epoch, term, value: one row per epoch and loss term.
    model
        {name: tensor}, the weights; or {"architecture": {name: plain value}, "weights": {name: tensor}}.
    """

    X: np.ndarray
    cluster: np.ndarray | None = None
    history: pd.DataFrame | None = None
    model: dict | None = None


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it to `path` at the end, remove it after an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def is_counts(matrix: sparse.spmatrix | np.ndarray) -> bool:
    """Whether all values are finite, not negative and whole."""
    values = matrix.data if sparse.issparse(matrix) else np.asarray(matrix)
    return bool(np.isfinite(values).all() and (values >= 0).all() and (values == np.round(values)).all())


# ---- data sets


def write_raw(path: str | Path, adata: AnnData) -> None:
    """Write raw counts of all genes: X CSR of whole numbers, obs batch and, where known, cell_type."""
    _check_raw(path, adata)
    with atomic(path) as partial:
        adata.write_h5ad(partial, compression="gzip")


def read_raw(path: str | Path) -> AnnData:
    adata = _read_h5ad(path)
    _check_raw(path, adata)
    return adata


def write_dataset(path: str | Path, adata: AnnData) -> None:
    """Write a prepared data set; see `read_dataset`."""
    _check_dataset(path, adata)
    with atomic(path) as partial:
        adata.write_h5ad(partial, compression="gzip")


def read_dataset(path: str | Path) -> AnnData:
    """Read a prepared data set.

    Returns
    -------
    HVG subset with layers["counts"] (CSR, whole numbers), X (CSR float32, log-normalised), obs batch and total_counts,
    var highly_variable_rank, obsm X_pca. Never a cell type.
    """
    adata = _read_h5ad(path)
    _check_dataset(path, adata)
    return adata


def cell_cycle_phases(adata: AnnData) -> np.ndarray | None:
    """The S and G2/M scores of a prepared data set, (n_cells, 2), if its genes allowed them."""
    return adata.obs[PHASES].to_numpy() if set(PHASES) <= set(adata.obs) else None


def method_input(adata: AnnData, name: str, declared: str, labels: np.ndarray | None = None) -> Dataset:
    """Hand over what a method declares: counts | lognorm | pca."""
    matrix = {"counts": adata.layers["counts"], "lognorm": adata.X, "pca": adata.obsm["X_pca"]}[declared]
    if declared == "counts":
        matrix = matrix.astype(np.int32)
    batch = adata.obs["batch"].cat
    return Dataset(
        name=name,
        X=matrix,
        batch=batch.codes.to_numpy().astype(np.int64),
        batch_names=tuple(map(str, batch.categories)),
        gene_names=adata.var_names.to_numpy().astype(str),
        total_counts=adata.obs["total_counts"].to_numpy().astype(np.float64),
        pca=np.asarray(adata.obsm["X_pca"], dtype=np.float32),
        labels=labels,
        gene_rank=adata.var["highly_variable_rank"].to_numpy(),
    )


def write_truth(path: str | Path, truth: pd.DataFrame) -> None:
    """Write cell id, batch and cell type (empty where the data set has none)."""
    _require(list(truth.columns) == TRUTH_COLUMNS, path, f"columns must be {TRUTH_COLUMNS}")
    _require(truth["cell_id"].is_unique, path, "cell ids are not unique")
    with atomic(path) as partial:
        truth.to_csv(partial, sep="\t", index=False, compression={"method": "gzip", "mtime": 0})


def read_truth(path: str | Path, cell_ids: pd.Index | None = None) -> pd.DataFrame:
    """Read cell id, batch, cell type; with `cell_ids`, in that order, which must be the same cells."""
    truth = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, compression="gzip")
    _require(list(truth.columns) == TRUTH_COLUMNS, path, f"columns must be {TRUTH_COLUMNS}")
    if cell_ids is not None:
        truth = truth.set_index("cell_id", drop=False)
        same = len(truth) == len(cell_ids) and truth.index.isin(cell_ids).all()
        _require(same, path, "holds other cells than the data set; remove the data set's folder and run again")
        truth = truth.loc[cell_ids].reset_index(drop=True)
    return truth


def write_json(path: str | Path, content: dict) -> None:
    """Write a report that people and later steps read."""
    with atomic(path) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")


def write_gene_vectors(path: str | Path, genes: np.ndarray, vectors: np.ndarray, report: dict) -> None:
    """Write vectors of all genes of a data set, (n_genes, width), or of none where the report says why it is off."""
    _require(len(vectors) == len(genes) or "off" in report, path, "there is not one vector per gene")
    _require(bool(np.isfinite(vectors).all()), path, "holds values that are not finite")
    with atomic(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, genes=genes.astype(str), vectors=vectors, report=np.array(json.dumps(report)))


def read_gene_vectors(path: str | Path, genes: np.ndarray) -> tuple[np.ndarray | None, dict]:
    """Read the vectors of exactly these genes in this order, or None where the source is off, and the report."""
    with np.load(path, allow_pickle=False) as content:
        found, vectors, report = content["genes"], content["vectors"], json.loads(str(content["report"]))
    _require(np.array_equal(found, np.asarray(genes, dtype=str)), path, "its genes are not those of the data set")
    return (None if "off" in report else vectors), report


# ---- runs


def check_embedding(where: str | Path, embedding: Embedding, n_cells: int) -> None:
    """Raise ContractError unless the embedding is (n_cells, n_dims) finite float32 with sound companions."""
    X = embedding.X
    _require(isinstance(X, np.ndarray) and X.ndim == 2, where, "the embedding is not a two-dimensional array")
    shape = f"the embedding has shape {X.shape} for {n_cells} cells"
    _require(X.shape[0] == n_cells and X.shape[1] >= 1, where, shape)
    _require(X.dtype == np.float32, where, f"the embedding is {X.dtype}, not float32")
    _require(bool(np.isfinite(X).all()), where, "the embedding holds values that are not finite")
    if embedding.cluster is not None:
        _require(len(embedding.cluster) == n_cells, where, "there is not one cluster per cell")
    if embedding.history is not None:
        _require(list(embedding.history.columns) == HISTORY_COLUMNS, where, f"history needs {HISTORY_COLUMNS}")
        finite = np.isfinite(embedding.history["value"]).all()
        _require(bool(finite), where, "the history holds values that are not finite")


def write_embedding(path: str | Path, embedding: Embedding, cell_ids: pd.Index, record: dict) -> None:
    """Write obsm X_emb, obs cluster where there is one, and the record of how it was made in uns."""
    import anndata

    check_embedding(path, embedding, len(cell_ids))
    adata = anndata.AnnData(obs=pd.DataFrame(index=cell_ids), obsm={"X_emb": embedding.X})
    if embedding.cluster is not None:
        adata.obs["cluster"] = pd.Categorical(np.asarray(embedding.cluster).astype(str))
    adata.uns = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in record.items()}
    with atomic(path) as partial:
        adata.write_h5ad(partial, compression="gzip")


def read_embedding(path: str | Path, cell_ids: pd.Index) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the embedding, checked to be of exactly these cells in this order, and the method's clusters or None."""
    adata = _read_h5ad(path)
    _require("X_emb" in adata.obsm, path, "has no obsm['X_emb']")
    _require(bool(adata.obs_names.equals(pd.Index(cell_ids))), path, "its cells are not those of the data set in order")
    cluster = adata.obs["cluster"].astype(str).to_numpy() if "cluster" in adata.obs else None
    embedding = Embedding(X=np.asarray(adata.obsm["X_emb"]), cluster=cluster)
    check_embedding(path, embedding, len(cell_ids))
    return embedding.X, embedding.cluster


def write_model(path: str | Path, state: dict) -> None:
    """Write weights that torch.load(weights_only=True) reads."""
    import torch

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items()}
        return value.detach().cpu() if isinstance(value, torch.Tensor) else value

    with atomic(path) as partial:
        torch.save(plain(state), partial)


def read_model(path: str | Path) -> dict:
    """Read what `write_model` wrote: plain values and tensors, no code."""
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def write_scores(path: str | Path, scores: pd.DataFrame) -> None:
    """Write the long table of scores: one row per metric; a value exactly where the status is ok."""
    _check_scores(path, scores)
    write_table(path, scores)


def read_scores(path: str | Path) -> pd.DataFrame:
    scores = read_table(path, text=[column for column in SCORE_COLUMNS if column not in ("seed", "value")])
    _check_scores(path, scores)
    return scores


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a tab-separated table; missing values are empty."""
    with atomic(path) as partial:
        table.to_csv(partial, sep="\t", index=False)


def read_table(path: str | Path, text: list[str] | None = None) -> pd.DataFrame:
    """Read a tab-separated table; in the columns `text` nothing is taken for a missing value."""
    table = pd.read_csv(path, sep="\t", dtype={column: str for column in text or []})
    for column in text or []:
        if column in table:
            table[column] = table[column].fillna("")
    return table


# ---- checks


def _check_raw(path, adata) -> None:
    _require(adata.n_obs > 0 and adata.n_vars > 0, path, f"is empty: {adata.n_obs} cells, {adata.n_vars} genes")
    _require(sparse.issparse(adata.X) and adata.X.format == "csr", path, "X is not a CSR matrix")
    _require(is_counts(adata.X), path, "X does not hold raw counts (whole numbers, not negative)")
    _check_batch(path, adata)
    _require(bool(adata.obs_names.is_unique), path, "cell ids are not unique")
    _require(bool(adata.var_names.is_unique), path, "gene names are not unique")


def _check_dataset(path, adata) -> None:
    _require("counts" in adata.layers, path, "has no layers['counts']")
    counts = adata.layers["counts"]
    _require(sparse.issparse(counts) and counts.format == "csr", path, "layers['counts'] is not a CSR matrix")
    _require(is_counts(counts), path, "layers['counts'] does not hold whole, non-negative numbers")
    lognorm = sparse.issparse(adata.X) and adata.X.format == "csr" and adata.X.dtype == np.float32
    _require(lognorm, path, "X is not CSR float32")
    _check_batch(path, adata)
    _require("total_counts" in adata.obs, path, "has no obs['total_counts']")
    _require("highly_variable_rank" in adata.var, path, "has no var['highly_variable_rank']")
    _require("X_pca" in adata.obsm, path, "has no obsm['X_pca']")
    _require(bool(np.isfinite(adata.obsm["X_pca"]).all()), path, "obsm['X_pca'] holds values that are not finite")
    _require("cell_type" not in adata.obs, path, "holds cell types, which only truth.tsv.gz may")


def _check_batch(path, adata) -> None:
    categorical = "batch" in adata.obs and isinstance(adata.obs["batch"].dtype, pd.CategoricalDtype)
    _require(categorical, path, "obs['batch'] is missing or not categorical")
    _require(bool(adata.obs["batch"].notna().all()), path, "obs['batch'] has missing values")


def _check_scores(path, scores) -> None:
    _require(list(scores.columns) == SCORE_COLUMNS, path, f"columns must be {SCORE_COLUMNS}")
    _require(bool(scores["status"].isin(SCORE_STATUS).all()), path, f"status must be one of {SCORE_STATUS}")
    valued = scores["value"].notna() & np.isfinite(scores["value"].astype(float))
    _require(bool((valued == (scores["status"] == "ok")).all()), path, "a score has a value exactly when it is ok")
    _require(bool((scores["reason"].ne("") | (scores["status"] == "ok")).all()), path, "a missing score needs a reason")
    _require(not scores.duplicated(["dataset", "method", "seed", "metric"]).any(), path, "a score stands twice")


def _read_h5ad(path: str | Path) -> AnnData:
    import anndata

    try:
        return anndata.read_h5ad(path)
    except OSError as error:
        raise ContractError(f"{path}: is not a readable .h5ad file ({error}); remove it and run again") from error


def _require(condition: bool, path: str | Path, problem: str) -> None:
    if not condition:
        raise ContractError(f"{path}: {problem}")
