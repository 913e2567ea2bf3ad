"""Parameters are chosen by held-out likelihood and label-free metrics, and never by cell types."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy import sparse

from scbench.analyses import tuning
from scbench.analyses.catalogue import ANALYSES
from scbench.cli import main
from scbench.config import load_config
from scbench.datasets.prepare import prepare
from scbench.files import read_table, write_dataset, write_truth
from scbench.paths import Paths
from scbench.ranking.tuning import choose
from scbench.registry import load_registry
from scbench.report.tuning import gather
from scbench.runner import FinishedRun, run, write_run
from scbench.spec import parameters_class
from scbench.types import HISTORY_COLUMNS

pytestmark = pytest.mark.filterwarnings("ignore")

CONFIG = load_config(ROOT / "config", {})
REGISTRY = load_registry(CONFIG["methods"])
SETTINGS = {"n_top_genes": 60, "hvg_batch_aware": True, "target_sum": 1e4, "n_pcs": 10, "min_cells_per_gene": 3}


@pytest.fixture(scope="module")
def raw():
    """150 cells of 3 types in 2 batches."""
    random = np.random.default_rng(0)
    types, batch = random.integers(0, 3, 150), random.integers(0, 2, 150)
    rates = random.gamma(1.0, 4.0, (3, 80))[types] * np.exp(0.3 * random.standard_normal((2, 80)))[batch]
    obs = pd.DataFrame({"batch": np.array(list("ab"))[batch], "cell_type": np.array(list("xyz"))[types]})
    obs.index = [f"cell_{i}" for i in range(150)]
    var = pd.DataFrame(index=[f"gene_{i}" for i in range(80)])
    return anndata.AnnData(sparse.csr_matrix(random.poisson(rates).astype(np.float32)), obs.astype("category"), var)


def finished(folder, raw, method: str) -> FinishedRun:
    adata, truth = prepare(raw, **SETTINGS)
    write_dataset(folder / "dataset.h5ad", adata)
    write_truth(folder / "truth.tsv.gz", truth)
    spec = replace(REGISTRY[method], params={**REGISTRY[method].params, "epochs": 3})
    result = run(spec, adata, dataset="d", seed=0, accelerator="cpu")
    parts = Paths.run_parts(trained=spec.trained, tables=spec.tables)
    files = {part: folder / file for part, file in parts.items()}
    write_run(result, files)
    return FinishedRun({"dataset": folder / "dataset.h5ad", "truth": folder / "truth.tsv.gz", **files}, 0)


def test_the_metrics_are_those_of_the_label_free_preset_with_the_weights_of_the_configuration():
    preset = CONFIG["metrics"]["presets"]["label_free"]
    assert {group: tuning.METRICS[group] for group in ("bio", "batch")} == {k: preset[k] for k in ("bio", "batch")}
    assert CONFIG["metrics"]["weights"] == tuning.WEIGHTS
    assert list(ANALYSES["tuning"].metrics) == tuning.METRICS["bio"] + tuning.METRICS["batch"]


def test_methods_with_changes_to_try_declare_the_analysis_and_the_changes_are_valid():
    declared = {method.module for method in REGISTRY.values() if "tuning" in method.analyses}
    assert declared == set(tuning.SEARCH)
    assert ANALYSES["tuning"].trains
    for module, changes in tuning.SEARCH.items():
        for _, params in tuning.candidates(REGISTRY[module].parameters, changes):
            parameters_class(module).of(params)


def test_one_parameter_changes_at_a_time_and_a_term_of_an_objective_keeps_its_schedule():
    params = {"beta": 1.0, "objective": {"mmd": [100.0, 0.1, 0.5], "batch_code": 2.5}}
    changes = {"beta": [0.5], "objective.mmd": [30.0], "objective.batch_code": [1.0]}
    found = dict(tuning.candidates(params, changes))
    assert found == {
        "as it is": params,
        "beta: 0.5": {**params, "beta": 0.5},
        "objective.mmd: 30.0": {**params, "objective": {"mmd": [30.0, 0.1, 0.5], "batch_code": 2.5}},
        "objective.batch_code: 1.0": {**params, "objective": {"mmd": [100.0, 0.1, 0.5], "batch_code": 1.0}},
    }


def test_the_held_out_loss_is_the_evidence_bound_of_the_best_epoch():
    terms = {"held_out_reconstruction": [5.0, 3.0, 4.0], "held_out_kl": [0.0, 1.5, 0.2], "kl": [0.0, 9.0, 9.0]}
    rows = [(epoch, term, value) for term, values in terms.items() for epoch, value in enumerate(values)]
    assert tuning.held_out_loss(pd.DataFrame(rows, columns=HISTORY_COLUMNS)) == pytest.approx(4.2)
    assert np.isnan(tuning.held_out_loss(pd.DataFrame([(0, "triplet_loss", 1.0)], columns=HISTORY_COLUMNS)))


@pytest.mark.parametrize(("method", "likely"), [("cvae_nb", True), ("disentangled_ae", True), ("scdml", False)])
def test_every_candidate_of_a_run_is_trained_and_judged_and_cell_types_play_no_part(tmp_path, raw, method, likely):
    one = finished(tmp_path, raw, method)
    table = tuning.analyse(one)["tuning"]
    n_changes = sum(map(len, tuning.SEARCH[method].values()))
    assert len(table) == 1 + n_changes
    assert table["held_out_loss"].notna().all() == likely
    assert table["label_free"].between(0, 1).all()
    assert table["label_free"].nunique() > 1
    other = finished(tmp_path, raw[:, :].copy(), method)
    write_truth(tmp_path / "truth.tsv.gz", one.truth.assign(cell_type="all the same"))
    pd.testing.assert_frame_equal(tuning.analyse(other)["tuning"], table)


def table_of(**candidates) -> pd.DataFrame:
    return pd.DataFrame(
        [(name, loss, total) for name, (loss, total) in {"as it is": (100.0, 0.5), **candidates}.items()],
        columns=["candidate", "held_out_loss", "label_free"],
    )


@pytest.mark.parametrize(
    ("candidates", "chosen", "words"),
    [
        ({"a": (100.5, 0.52), "b": (100.0, 0.515)}, "a", "rises by 0.020, the held-out loss changes by +0.50%"),
        ({"a": (101.5, 0.6), "b": (99.0, 0.515)}, "b", "held-out loss too high: a"),
        ({"a": (100.0, 0.509)}, "as it is", "no change gains 0.01 in the label-free total (the best: a, +0.009)"),
        ({"a": (102.0, 0.9)}, "as it is", "no change gains 0.01 in the label-free total; held-out loss too high: a"),
    ],
)
def test_the_choice_and_its_reason(candidates, chosen, words):
    choice = choose(table_of(**candidates))
    assert choice["chosen"] == chosen
    assert words in choice["why"]


def test_methods_without_a_likelihood_are_judged_by_agreement_alone_and_seeds_are_averaged():
    one = table_of(a=(np.nan, 0.6)).assign(held_out_loss=np.nan)
    two = one.assign(label_free=[0.5, 0.41])
    assert choose(one)["why"] == "the label-free total rises by 0.100"
    both = pd.concat([one.assign(seed=0), two.assign(seed=1)]).assign(dataset="d", method="scdml")
    row = gather(both, {}).loc[0]
    assert (row["n_seeds"], row["n_candidates"], row["chosen"]) == (2, 2, "as it is")


def test_the_command_prints_the_choice_and_writes_the_candidates(tmp_path, raw, capsys):
    raw.write_h5ad(tmp_path / "cells.h5ad")
    asked = ["--adata", str(tmp_path / "cells.h5ad"), "--method", "vae_nb", "-o", str(tmp_path / "tuning.tsv")]
    assert main(["tune", *asked, "--try", "epochs=2,3", "likelihood=poisson"]) == 0
    shown = capsys.readouterr().out
    assert "chosen: " in shown
    table = read_table(tmp_path / "tuning.tsv")
    assert table["candidate"].tolist() == ["as it is", "epochs: 2", "epochs: 3", "likelihood: poisson"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "magic"], "--method: 'magic' is not declared in config/methods.yaml"),
        (["--method", "harmony"], "--try: there are no values to try for harmony"),
        (["--method", "cvae_nb", "--try", "beta"], "--try: 'beta' names no values; write for example beta=0.25,1"),
        (["--method", "cvae_nb", "--try", "beta=-1"], "--try: beta: -1 is below 0"),
        (["--method", "cvae_nb", "--try", "magic=1"], "--try: magic is not a parameter of cvae_nb"),
        (["--method", "cvae_nb", "--try", "beta.mmd=1"], "--try: beta.mmd is not a parameter of cvae_nb"),
        (["--method", "scdml_oracle_k"], "--method: scdml_oracle_k uses cell types"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, raw, capsys, words, message):
    raw.write_h5ad(tmp_path / "cells.h5ad")
    assert main(["tune", "--adata", str(tmp_path / "cells.h5ad"), *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"scbench: {message}")
    assert error.count("\n") == 1
