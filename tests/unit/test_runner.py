"""Running a method: what it is handed, what it is refused for, what is written and read again."""

import dataclasses
import os

import numpy as np
import pandas as pd
import pytest
import threadpoolctl

from scbench import runner
from scbench.datasets.prepare import prepare
from scbench.datasets.simulate import simulate
from scbench.files import read_embedding, read_model, read_table, write_dataset, write_truth
from scbench.paths import Paths
from scbench.runner import THREAD_VARIABLES, FinishedRun, RunResult, limited, run, write_run
from scbench.spec import Spec
from scbench.types import HISTORY_COLUMNS, Checkpoint, ContractError, Embedding

SETTINGS = {"n_top_genes": 40, "hvg_batch_aware": True, "target_sum": 1e4, "n_pcs": 5, "min_cells_per_gene": 3}
PLAIN = Spec(id="mine", module="unintegrated", input="pca", uses_labels=False, trained=False, gpu=0)


@pytest.fixture(scope="module")
def prepared():
    return prepare(simulate(n_cells=90, n_genes=60, n_types=3, n_batches=2, library_size=400), **SETTINGS)


@pytest.fixture
def handed(monkeypatch):
    """A stand-in for the method: what it was given, and what it is to return."""
    seen = {"returns": {}}

    def call(module, data, **given):
        seen.update(given, module=module, data=data)
        return Embedding(X=data.pca.copy(), **seen["returns"])

    monkeypatch.setattr(runner, "call", call)
    return seen


def spec(**changes) -> Spec:
    return dataclasses.replace(PLAIN, **changes)


# ---- what a method is handed


@pytest.mark.parametrize("declared", ["counts", "lognorm", "pca"])
def test_a_method_is_handed_the_matrix_it_declares(prepared, handed, declared):
    adata = prepared[0]
    run(spec(input=declared), adata, dataset="tiny", seed=4, threads=2)
    expected = {"counts": adata.layers["counts"], "lognorm": adata.X, "pca": adata.obsm["X_pca"]}[declared]
    assert abs(handed["data"].X - expected).max() == 0
    assert (handed["seed"], handed["threads"], handed["device"], handed["params"]) == (4, 2, "cpu", {})
    assert handed["data"].name == "tiny"


def test_cell_types_are_handed_only_to_a_method_that_declares_them(prepared, handed):
    adata, truth = prepared
    labels = truth["cell_type"].to_numpy()
    run(spec(), adata, dataset="tiny", seed=0, labels=labels)
    assert handed["data"].labels is None
    run(spec(uses_labels=True), adata, dataset="tiny", seed=0, labels=labels)
    assert handed["data"].labels.tolist() == labels.tolist()
    for missing in (None, np.where(np.arange(90) == 7, "", labels)):
        with pytest.raises(ValueError, match="mine uses cell types, and the dataset has none for some cells"):
            run(spec(uses_labels=True), adata, dataset="tiny", seed=0, labels=missing)


def test_gene_vectors_and_the_checkpoint_are_handed_on(prepared, handed, tmp_path):
    vectors, checkpoint = {"gene2vec": np.ones((40, 2), np.float32)}, Checkpoint(tmp_path / "c.pt", "key")
    reports = {"gene2vec": {"pairs": 7}, "knowledge": {"off": "no table"}}
    result = run(
        spec(), prepared[0], dataset="d", seed=0, gene_vectors=vectors, gene_reports=reports, checkpoint=checkpoint
    )
    assert handed["data"].gene_vectors is vectors
    assert handed["data"].checkpoint == result.checkpoint == checkpoint
    assert result.record["gene_vectors"] == reports


# ---- what is recorded, and what is refused


def test_a_run_is_recorded_with_all_parameters_the_device_the_code_and_the_versions(prepared):
    asked = spec(id="cell_types", module="cell_type_oracle", uses_labels=True)
    result = run(asked, prepared[0], dataset="tiny", seed=3, labels=prepared[1]["cell_type"].to_numpy())
    record = result.record
    assert (record["method"], record["seed"], record["device"]) == ("cell_types", 3, "cpu")
    assert list(record["hardware"]) == ["cpu"]
    assert record["hardware"]["cpu"]
    assert record["parameters"] == {"jitter": 0.01}
    assert record["code_digest"] == runner.method_digest("cell_type_oracle") != runner.method_digest("harmony")
    assert {"numpy", "anndata"} <= set(record["versions"])
    assert result.cell_ids.equals(prepared[0].obs_names)


def test_a_trained_method_without_a_model_or_a_history_is_refused(prepared, handed):
    history = pd.DataFrame([(0, "loss", 1.0)], columns=HISTORY_COLUMNS)
    for returned in ({}, {"model": {"weights": 1}}, {"history": history}):
        handed["returns"] = returned
        with pytest.raises(
            ContractError, match=r"^methods\.mine: declares trained: true, but returned no model or no history"
        ):
            run(spec(trained=True), prepared[0], dataset="tiny", seed=0)
    handed["returns"] = {"model": {"weights": 1}, "history": history}
    assert run(spec(trained=True), prepared[0], dataset="tiny", seed=0).embedding.history.equals(history)


def test_a_table_that_is_declared_and_not_returned_is_refused_by_name(prepared, handed):
    handed["returns"] = {"tables": {"rounds": pd.DataFrame({"round": [0]})}}
    with pytest.raises(ContractError, match=r"^methods\.mine: returned no table events, which it declares"):
        run(spec(tables=["rounds", "events"]), prepared[0], dataset="tiny", seed=0)
    assert set(run(spec(tables=["rounds"]), prepared[0], dataset="tiny", seed=0).embedding.tables) == {"rounds"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"X": np.zeros((90, 2))}, "float64, not float32"),
        ({"X": np.zeros((89, 2), np.float32)}, r"\(89, 2\) for 90 cells"),
        ({"X": np.full((90, 2), np.inf, np.float32)}, "not finite"),
        ({"X": np.zeros((90, 2), np.float32), "cluster": np.zeros(89)}, "not one cluster per cell"),
        ({"X": np.zeros((90, 2), np.float32), "history": pd.DataFrame({"epoch": [0]})}, "history needs"),
        (
            {"X": np.zeros((90, 2), np.float32), "history": pd.DataFrame([(0, "a", np.nan)], columns=HISTORY_COLUMNS)},
            "history holds values that are not finite",
        ),
    ],
)
def test_what_breaks_the_contract_is_refused_before_it_is_written(prepared, monkeypatch, wrong, words):
    from scbench.methods import unintegrated

    monkeypatch.setattr(unintegrated, "integrate", lambda data, **_: Embedding(**wrong))
    with pytest.raises(ContractError, match=rf"^methods\.unintegrated: .*{words}"):
        run(spec(), prepared[0], dataset="tiny", seed=0)


# ---- files


def test_a_run_is_written_whole_and_read_again_and_its_checkpoint_removed(prepared, tmp_path):
    adata, truth = prepared
    made = Embedding(
        X=adata.obsm["X_pca"],
        cluster=np.arange(90) % 3,
        history=pd.DataFrame([(0, "loss", 1.5), (1, "loss", 0.5)], columns=HISTORY_COLUMNS),
        model={"kind": "Some", "weights": {"w": np.float64(2).item()}},
        tables={"rounds": pd.DataFrame({"round": [0, 1], "accepted": [True, False]})},
    )
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "key")
    checkpoint.path.write_bytes(b"half a training")
    paths = Paths(str(tmp_path))
    files = paths.run_files("tiny", "mine", 0, trained=True, tables=["rounds"])
    write_run(RunResult(made, adata.obs_names, {"method": "mine", "seed": 0}, checkpoint), files)
    assert not checkpoint.path.exists()
    X, cluster = read_embedding(files["embedding"], adata.obs_names)
    assert np.array_equal(X, made.X)
    assert cluster.tolist() == made.cluster.astype(str).tolist()
    assert read_model(files["model"]) == made.model
    assert read_table(files["history"], text=["term"]).equals(made.history)

    data = {name: paths.data("tiny", name) for name in ("dataset.h5ad", "truth.tsv.gz")}
    write_dataset(data["dataset.h5ad"], adata)
    write_truth(data["truth.tsv.gz"], truth)
    finished = FinishedRun({**files, "dataset": data["dataset.h5ad"], "truth": data["truth.tsv.gz"]}, seed=0)
    assert np.array_equal(finished.embedding, made.X)
    assert finished.labels.tolist() == truth["cell_type"].tolist()
    assert finished.model == made.model
    assert finished.table("rounds").equals(made.tables["rounds"])
    assert finished.table("history").equals(made.history)


def test_a_run_that_cannot_be_written_leaves_no_embedding_and_keeps_its_checkpoint(prepared, tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "key")
    checkpoint.path.write_bytes(b"half a training")
    files = {"embedding": tmp_path / "embedding.h5ad", "events": tmp_path / "events.tsv"}
    result = RunResult(Embedding(X=prepared[0].obsm["X_pca"]), prepared[0].obs_names, {"method": "mine"}, checkpoint)
    with pytest.raises(KeyError, match="events"):
        write_run(result, files)
    assert not files["embedding"].exists(), "it is written last: where it is, the rest is too"
    assert checkpoint.path.exists()


# ---- threads


def threads_of_libraries() -> dict[str, int]:
    return {library["filepath"]: library["num_threads"] for library in threadpoolctl.threadpool_info()}


@pytest.mark.parametrize("fails", [False, True])
def test_libraries_and_variables_are_limited_within_and_as_before_afterwards(monkeypatch, fails):
    torch = pytest.importorskip("torch")
    torch.get_num_threads()  # the first call sets it
    first, *others = THREAD_VARIABLES
    monkeypatch.setenv(first, "5")
    for name in others:
        monkeypatch.delenv(name, raising=False)
    with threadpoolctl.threadpool_limits(3):
        before, of_torch = threads_of_libraries(), torch.get_num_threads()
        assert before
        assert set(before.values()) == {3}
        try:
            with limited(2):
                assert set(threads_of_libraries().values()) == {2}
                assert torch.get_num_threads() == 2
                assert {os.environ[name] for name in THREAD_VARIABLES} == {"2"}
                if fails:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert fails
        assert threads_of_libraries() == before
        assert torch.get_num_threads() == of_torch
    assert os.environ[first] == "5"
    assert not set(others) & set(os.environ)
