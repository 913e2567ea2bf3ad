"""Run a method: choose the device, pass the declared input, check the result and write it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scbench.checks import RUN_COLUMNS, check_embedding, require
from scbench.devices import choose_device
from scbench.files import (
    read_dataset,
    read_embedding,
    read_model,
    read_table,
    read_truth,
    write_embedding,
    write_model,
    write_table,
)
from scbench.prepared import method_input
from scbench.provenance import PACKAGES_OF_METHODS, hardware, method_digest, missing_packages, package_versions
from scbench.spec import Spec
from scbench.types import Checkpoint, Dataset, Embedding

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from anndata import AnnData


THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # read when a library is loaded


@dataclass(frozen=True)
class RunResult:
    """Result of a run.

    Attributes
    ----------
    embedding
        The embedding that the method returned, after the check.
    cell_ids
        (n_cells,) names of the rows.
    record
        How it was made: dataset, method, seed, parameters, device, code digest, package versions.
    checkpoint
        Its files are removed once the result is written.
    """

    embedding: Embedding
    cell_ids: pd.Index
    record: dict[str, Any]
    checkpoint: Checkpoint | None = None


def run(
    spec: Spec,
    adata: AnnData,
    *,
    dataset: str,
    seed: int,
    accelerator: str = "auto",
    threads: int = 1,
    labels: np.ndarray | None = None,
    gene_vectors: Mapping[str, np.ndarray] | None = None,
    gene_reports: Mapping[str, dict] | None = None,
    checkpoint: Checkpoint | None = None,
    pretrained: Mapping[str, Any] | None = None,
) -> RunResult:
    """Run one method with one seed on a prepared dataset.

    Parameters
    ----------
    adata
        See `scbench.files.read_dataset`.
    accelerator
        auto | cpu | gpu; see `scbench.devices.choose_device`.
    labels
        (n_cells,) cell types; passed on only if the method declares `uses_labels`.
    gene_vectors, gene_reports
        {source: (n_genes, width)} for the sources that gave vectors, and {source: how they were made} for all sources.
    checkpoint
        Checkpoint from which a killed run resumes.
    pretrained
        Content of model.pt of a trunk pretrained on other datasets, for methods that declare `pretrained`.

    Raises
    ------
    ContractError
        If the result is not what the method declares: (n_cells, n_dims) finite float32, a model and a history if it is
        trained, and its tables.
    DeviceError
        If a GPU is requested and torch finds none.
    """
    _refuse(spec, labels, pretrained)
    device = choose_device(accelerator, wants_gpu=spec.gpu > 0)
    data = method_input(adata, dataset, spec.input, labels if spec.uses_labels else None)
    data = replace(data, checkpoint=checkpoint, gene_vectors=gene_vectors or {}, pretrained=pretrained)
    embedding = call(spec.module, data, seed=seed, device=device, threads=threads, params=spec.params)
    where = f"methods.{spec.id}"
    missing = [name for name in spec.tables if name not in embedding.tables]
    require(not missing, where, f"returned no table {', '.join(missing)}, which it declares")
    complete = not spec.trained or (embedding.model is not None and embedding.history is not None)
    require(complete, where, "declares trained: true, but returned no model or no history")
    record = {
        **dict(zip(RUN_COLUMNS, (dataset, spec.id, seed), strict=True)),
        "parameters": spec.parameters,
        "device": device,
        "hardware": hardware(device),
        "code_digest": method_digest(spec.module),
        "versions": package_versions(*PACKAGES_OF_METHODS, *spec.packages),
    }
    if gene_reports:
        record["gene_vectors"] = dict(gene_reports)
    return RunResult(_with_genes(embedding, spec, data), adata.obs_names, record, checkpoint)


def _with_genes(embedding: Embedding, spec: Spec, data: Dataset) -> Embedding:
    """Add to the model, if there is one, what it must know of its training data to be given other cells."""
    if embedding.model is None:
        return embedding
    trained_on = {
        "method": spec.id,
        "module": spec.module,
        "input": spec.input,
        "genes": list(map(str, data.gene_names)),
        "batches": list(data.batch_names),
        "target_sum": float(data.target_sum),
    }
    return replace(embedding, model={**embedding.model, "trained_on": trained_on})


def _refuse(spec: Spec, labels: np.ndarray | None, pretrained: Mapping[str, Any] | None) -> None:
    if spec.uses_labels and (labels is None or (labels == "").any()):
        raise ValueError(f"{spec.id} uses cell types, and the dataset has none for some cells")
    if spec.pretrained and pretrained is None:
        raise ValueError(f"{spec.id} needs a pretrained trunk; run it in a benchmark of several datasets")
    missing = missing_packages(spec.packages)
    if missing:
        raise ValueError(f"{spec.id} needs packages that are not installed: {', '.join(missing)}")


def call(module: str, data: Any, *, seed: int, device: str, threads: int, params: Mapping[str, Any]) -> Embedding:
    """Call `integrate` of a module of scbench.methods with a limited number of threads and check the embedding."""
    integrate = importlib.import_module(f"scbench.methods.{module}").integrate
    with limited(threads):
        embedding = integrate(data, seed=seed, device=device, threads=threads, **params)
    check_embedding(f"methods.{module}", embedding, data.n_cells)
    return embedding


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Limit numerical libraries to `threads` threads, both those already loaded and those loaded inside the context."""
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        with threadpool_limits(threads):
            if "torch" in sys.modules:
                sys.modules["torch"].set_num_threads(threads)
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def write_run(result: RunResult, files: Mapping[str, str | Path]) -> None:
    """Write a result to the files of `scbench.paths.Paths.run_files`; the embedding is written last."""
    made = result.embedding
    for name, path in files.items():
        if name == "history":
            write_table(path, made.history)
        elif name == "model":
            assert made.model is not None
            write_model(path, made.model)
        elif name != "embedding":
            write_table(path, made.tables[name])
    write_embedding(files["embedding"], made, result.cell_ids, result.record)
    if result.checkpoint is not None:
        result.checkpoint.remove()


@dataclass(frozen=True)
class FinishedRun:
    """A finished run; each of its files is read on first access.

    Attributes
    ----------
    files
        {name: file}: dataset, truth, and the required ones of `scbench.paths.Paths.run_files`.
    seed
        The seed of the run.
    """

    files: Mapping[str, str | Path]
    seed: int

    @cached_property
    def adata(self) -> AnnData:
        """The prepared dataset."""
        return read_dataset(self.files["dataset"])

    def data(self, declared: str) -> Dataset:
        """Return the dataset, without its name, as the input of a method that declares counts | lognorm | pca."""
        return method_input(self.adata, "", declared)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """Table with the columns cell_id, batch, cell_type; rows in the order of the dataset."""
        return read_truth(self.files["truth"], self.adata.obs_names)

    @property
    def labels(self) -> np.ndarray:
        """(n_cells,) cell types."""
        return self.truth["cell_type"].to_numpy()

    @cached_property
    def embedding(self) -> np.ndarray:
        """(n_cells, n_dims) float32."""
        return read_embedding(self.files["embedding"], self.adata.obs_names)[0]

    @cached_property
    def model(self) -> dict[str, Any]:
        """The content of model.pt."""
        return read_model(self.files["model"])

    def table(self, name: str) -> pd.DataFrame:
        """Return the history or a table that the method declares."""
        return read_table(self.files[name], text=["term"])
