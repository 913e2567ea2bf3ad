"""Every kind of file of the results, as its writer writes it, with its reader."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from scbench.files import (
    read_embedding,
    read_gene_vectors,
    read_model,
    read_raw,
    read_scores,
    read_table,
    read_truth,
    write_embedding,
    write_gene_vectors,
    write_model,
    write_raw,
    write_scores,
    write_table,
    write_truth,
)
from scbench.score_files import read_by_type, write_by_type
from scbench.types import Embedding

CELLS = pd.Index([f"cell{i}" for i in range(40)])
RUN = ("data", "harmony", 1)


def scores(**changed) -> pd.DataFrame:
    rows = [
        (*RUN, "ilisi", "batch", 0.5, "ok", "", "made up"),
        (*RUN, "nmi", "bio", np.nan, "failed", "why", "made up"),
    ]
    columns = ["dataset", "method", "seed", "metric", "group", "value", "status", "reason", "implementation"]
    return pd.DataFrame(rows, columns=columns).assign(**changed)


def by_type(**changed) -> pd.DataFrame:
    columns = ["dataset", "method", "seed", "level", "name", "metric", "value", "cells"]
    return pd.DataFrame([(*RUN, "batch", "b1", "cilisi", 0.5, 20)], columns=columns).assign(**changed)


def embedding(path: Path, run=RUN, X=None) -> None:
    X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32) if X is None else X
    record = dict(zip(("dataset", "method", "seed"), run, strict=True)) | {"parameters": {"width": 3}}
    write_embedding(path, Embedding(X), CELLS, record)


def raw(path: Path) -> None:
    import anndata
    from scipy import sparse

    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(1.0, (40, 20)).astype(np.int32))
    obs = pd.DataFrame({"batch": pd.Categorical(["x", "y"] * 20)}, index=CELLS)
    write_raw(path, anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(20)])))


def truth(path: Path) -> None:
    table = pd.DataFrame({"cell_id": CELLS, "batch": ["x", "y"] * 20, "cell_type": ["t"] * 40})
    write_truth(path, table)


def model(path: Path) -> None:
    import torch

    write_model(path, {"kind": "Net", "weights": {"w": torch.arange(300.0)}})


GENES = np.array([f"g{i}" for i in range(30)])
FILES = {
    "raw.h5ad": (raw, read_raw),
    "truth.tsv.gz": (truth, partial(read_truth, cell_ids=CELLS)),
    "embedding.h5ad": (embedding, partial(read_embedding, cell_ids=CELLS, run=RUN)),
    "model.pt": (model, read_model),
    "scores.tsv": (lambda path: write_scores(path, scores()), partial(read_scores, run=RUN)),
    "by_type.tsv": (lambda path: write_by_type(path, by_type()), partial(read_by_type, run=RUN)),
    "umap.tsv.gz": (lambda path: write_table(path, pd.DataFrame({"cell_id": CELLS, "x": 0.5})), read_table),
    "gene2vec.npz": (
        lambda path: write_gene_vectors(path, GENES, np.eye(30), {}),
        partial(read_gene_vectors, genes=GENES),
    ),
}
