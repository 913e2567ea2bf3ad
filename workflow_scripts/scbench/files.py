"""Read and write the files of docs/reference/files.md; each is checked against its contract on both occasions."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scbench.checks import (
    SCORE_COLUMNS,
    Run,
    check_complete,
    check_dataset,
    check_embedding,
    check_graph,
    check_raw,
    check_run,
    check_scores,
    check_truth,
    require,
)
from scbench.integrity import atomic, whole
from scbench.types import Embedding, Graph

if TYPE_CHECKING:
    from anndata import AnnData

GRAPH = ("connectivities", "distances")  # keys of obsp, as in scanpy


# ---- datasets


def write_raw(path: str | Path, adata: AnnData) -> None:
    """Write raw counts of all genes: X as CSR of integer values, obs batch and, if known, cell_type and others.

    obs has the further columns condition and label:{level}, as in `read_truth`.
    """
    check_raw(path, adata)
    with atomic(path) as partial:
        adata.write_h5ad(partial, compression="gzip")


def read_raw(path: str | Path) -> AnnData:
    with whole(path):
        adata = _read_h5ad(path)
        check_raw(path, adata)
    return adata


def read_cells_of_source(path: str | Path) -> pd.Index:
    """Read from raw.h5ad the ids of all cells of its source, also of those that were left out; nothing else is read."""
    import h5py
    from anndata.io import read_elem

    with whole(path), h5py.File(path) as file:
        dropped = read_elem(file["uns/dropped_cells"]) if "uns/dropped_cells" in file else []
        return read_elem(file["obs"]).index.append(pd.Index(dropped, dtype=object))


def write_dataset(path: str | Path, adata: AnnData) -> None:
    """Write a prepared dataset; see `read_dataset`."""
    check_dataset(path, adata)
    with atomic(path) as partial:
        adata.write_h5ad(partial, compression="gzip")


def read_dataset(path: str | Path, matrices: Collection[str] = ("X", "counts")) -> AnnData:
    """Read a prepared dataset.

    Parameters
    ----------
    matrices
        Which of the two matrices of cells x genes to read, X and counts; the others are missing from the result.

    Returns
    -------
    HVG subset with layers["counts"] (CSR, integer values), X (CSR float32, log-normalised), obs batch and total_counts,
    var highly_variable_rank, obsm X_pca, uns preprocessing (settings as JSON). It never contains cell types.
    """
    import h5py
    from anndata import AnnData
    from anndata.io import read_elem

    with whole(path):
        with h5py.File(path) as file:
            places = {"X": "X", "counts": "layers/counts"}
            parts = ["obs", "var", "obsm", "uns", *(places[name] for name in matrices)]
            found = {part: read_elem(file[part]) for part in parts if part in file}
        layers = {"counts": found.pop("layers/counts")} if "layers/counts" in found else None
        adata = AnnData(**found, layers=layers)
        check_dataset(path, adata, matrices)
    return adata


def write_truth(path: str | Path, truth: pd.DataFrame) -> None:
    """Write cell id, batch and cell type (empty if the dataset has none); see `read_truth` for further columns."""
    check_truth(path, truth)
    write_table(path, truth)


def read_truth(path: str | Path, cell_ids: pd.Index | None = None) -> pd.DataFrame:
    """Read cell id, batch and cell type; with `cell_ids`, which must be the same cells, in their order.

    Further columns, if the dataset has them: condition, and label:{level} for each of several levels of cell types, the
    first of which is also cell_type.
    """
    with whole(path):
        truth = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, compression="gzip")
        check_truth(path, truth)
        if cell_ids is not None:
            truth = truth.set_index("cell_id", drop=False)
            same = len(truth) == len(cell_ids) and truth.index.isin(cell_ids).all()
            require(same, path, "holds other cells than the dataset; remove the dataset's folder and run again")
            truth = truth.loc[cell_ids].reset_index(drop=True)
    return truth


def write_text(path: str | Path, text: str) -> None:
    """Write text as UTF-8."""
    with atomic(path, with_digest=False) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: dict) -> None:
    """Write a report as JSON, for people and for later steps."""
    with atomic(path) as partial:
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_gene_vectors(path: str | Path, genes: np.ndarray, vectors: np.ndarray, report: dict) -> None:
    """Write the vectors of all genes of a dataset, (n_genes, width), or none if the report says why it is off."""
    require(len(vectors) == len(genes) or "off" in report, path, "there is not one vector per gene")
    require(bool(np.isfinite(vectors).all()), path, "holds values that are not finite")
    with atomic(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, genes=genes.astype(str), vectors=vectors, report=np.array(json.dumps(report)))


def read_gene_vectors(path: str | Path, genes: np.ndarray) -> tuple[np.ndarray | None, dict]:
    """Read the vectors of exactly these genes in this order, or None if the source is off, and the report."""
    with whole(path), np.load(path, allow_pickle=False) as content:
        found, vectors, report = content["genes"], content["vectors"], json.loads(str(content["report"]))
        require(np.array_equal(found, np.asarray(genes, dtype=str)), path, "its genes are not those of the dataset")
    return (None if "off" in report else vectors), report


# ---- runs


def write_embedding(path: str | Path, embedding: Embedding, cell_ids: pd.Index, record: dict) -> None:
    """Write obsm X_emb, obs cluster and obsp of a graph if there are any, and how the embedding was made in uns."""
    import anndata

    check_embedding(path, embedding, len(cell_ids))
    adata = anndata.AnnData(obs=pd.DataFrame(index=cell_ids), obsm={"X_emb": embedding.X})
    if embedding.cluster is not None:
        adata.obs["cluster"] = pd.Categorical(np.asarray(embedding.cluster).astype(str))
    if embedding.graph is not None:
        adata.obsp = {name: getattr(embedding.graph, name) for name in GRAPH}
    adata.uns = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in record.items()}
    with atomic(path) as partial:
        adata.write_h5ad(partial, compression="gzip")


def read_embedding(
    path: str | Path, cell_ids: pd.Index, run: Run | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the embedding and the method's clusters or None; check that it has exactly these cells in this order.

    With `run`, (dataset, method, seed), also check that it is the embedding of this run.
    """
    with whole(path):
        adata = _read_h5ad(path)
        require("X_emb" in adata.obsm, path, "has no obsm['X_emb']")
        check_run(path, adata.uns, run)
        same = bool(adata.obs_names.equals(pd.Index(cell_ids)))
        require(same, path, "its cells are not those of the dataset in order")
        cluster = adata.obs["cluster"].astype(str).to_numpy() if "cluster" in adata.obs else None
        embedding = Embedding(X=np.asarray(adata.obsm["X_emb"]), cluster=cluster)
        check_embedding(path, embedding, len(cell_ids))
    return embedding.X, embedding.cluster


def read_record(path: str | Path) -> dict:
    """Read how an embedding was made (method, seed, parameters, versions, device, ...), and nothing else."""
    import h5py

    with whole(path, compare=False), h5py.File(path) as file:
        stored = {key: value[()] for key, value in file["uns"].items() if isinstance(value, h5py.Dataset)}
    plain = {key: value.decode() if isinstance(value, bytes) else value.item() for key, value in stored.items()}
    return {key: json.loads(value) if str(value).startswith("{") else value for key, value in plain.items()}


def read_graph(path: str | Path) -> Graph | None:
    """Read the graph of a method that makes a graph, or None; `read_embedding` checks the cells."""
    with whole(path):
        adata = _read_h5ad(path)
        graph = Graph(*(adata.obsp[name] for name in GRAPH)) if set(GRAPH) <= set(adata.obsp) else None
        if graph is not None:
            check_graph(path, graph, adata.n_obs)
    return graph


def write_model(path: str | Path, state: dict) -> None:
    """Write a model so that torch.load(weights_only=True) can read it."""
    import torch

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items()}
        return value.detach().cpu() if isinstance(value, torch.Tensor) else value

    with atomic(path) as partial, partial.open("wb") as file:  # an archive of a path would hold its name
        torch.save(plain(state), file)


def read_model(path: str | Path) -> dict:
    """Read a file written by `write_model`: plain values and tensors, no code."""
    import torch

    with whole(path):
        return torch.load(path, map_location="cpu", weights_only=True)


def write_scores(path: str | Path, scores: pd.DataFrame) -> None:
    """Write the long table of scores: one row per metric, with a value if and only if the status is ok."""
    check_scores(path, scores)
    write_table(path, scores)


def read_scores(path: str | Path, run: Run | None = None, metrics: Collection[str] | None = None) -> pd.DataFrame:
    return read_checked(path, SCORE_COLUMNS, ("seed", "value"), check_scores, run, metrics)


def read_checked(
    path: str | Path,
    columns: Sequence[str],
    numbers: Sequence[str],
    check: Callable[..., None],
    run: Run | None = None,
    metrics: Collection[str] | None = None,
) -> pd.DataFrame:
    """Read a table whose `columns` are text except for `numbers`, and check it against its contract.

    With `run`, (dataset, method, seed), also check that it is the complete table of this run, with all `metrics`.
    """
    with whole(path):
        table = _read_tsv(path, text=[column for column in columns if column not in numbers])
        check(path, table)
        if run is not None:
            check_complete(path, table, run, metrics)
    return table


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a tab-separated table, compressed if the name ends in .gz; missing values are empty."""
    text = table.to_csv(sep="\t", index=False)
    with atomic(path) as partial:
        partial.write_bytes(gzip.compress(text.encode(), mtime=0) if str(path).endswith(".gz") else text.encode())


def read_table(path: str | Path, text: list[str] | None = None) -> pd.DataFrame:
    """Read a tab-separated table; in the columns `text` nothing is a missing value, not even "NA" or an empty cell."""
    with whole(path):
        return _read_tsv(path, text)


def _read_tsv(path: str | Path, text: list[str] | None) -> pd.DataFrame:
    columns = pd.read_csv(path, sep="\t", nrows=0).columns
    missing = {column: ["", "NA", "NaN", "nan"] for column in columns if column not in (text or [])}
    types = {column: str for column in text or [] if column in columns}
    return pd.read_csv(path, sep="\t", dtype=types, keep_default_na=False, na_values=missing)


def _read_h5ad(path: str | Path) -> AnnData:
    import anndata

    return anndata.read_h5ad(path)
