"""The measurement scripts run at toy size and print what they promise."""

import importlib.util
import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from scbench.checks import SCORE_COLUMNS
from scbench.commands.common import default_config
from scbench.config import write_config
from scbench.datasets.prepare import prepare
from scbench.datasets.simulate import simulate
from scbench.files import (
    read_dataset,
    read_raw,
    read_scores,
    read_truth,
    write_dataset,
    write_embedding,
    write_scores,
    write_table,
    write_truth,
)
from scbench.metrics.suite import score_run
from scbench.ranking.uncertainty import ranking_tables
from scbench.resources import SNAKEMAKE_MB, Size, estimate
from scbench.types import Embedding

SETTINGS = {
    "n_top_genes": 80,
    "hvg_batch_aware": True,
    "target_sum": 1e4,
    "n_pcs": 10,
    "min_cells_per_gene": 3,
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    raw = simulate(n_cells=200, n_genes=100, n_types=3, n_batches=2, type_strength=1.5, seed=0)
    dataset, truth = prepare(raw, **SETTINGS)
    write_dataset(folder / "toy" / "dataset.h5ad", dataset)
    write_truth(folder / "toy" / "truth.tsv.gz", truth)
    return folder


@pytest.fixture
def script(root):
    def run(name: str, *arguments) -> str:
        command = [sys.executable, str(root / "benchmarks" / name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_numbers_of_clusters_are_compared(script, prepared):
    lines = script("number_of_clusters.py", prepared, "--seeds", 0, 1).splitlines()
    assert "scdml separate" in lines[0]
    assert "shared separate" in lines[0]
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in lines[2:]}
    assert rows.keys() == {"toy", "mean"}
    assert "(3)" in rows["toy"][0], "K is given"
    assert [float(cell.split()[0]) for cell in rows["toy"]] == [float(cell) for cell in rows["mean"]]


def test_integration_quality_keeps_every_run_and_prints_the_totals(prepared, script, tmp_path):
    given = [prepared, "--methods", "unintegrated", "cell_type_oracle", "--seeds", 0, 1, "--out", tmp_path]
    output = script("integration_quality.py", *given)
    table = {line.split()[0]: float(line.split()[-1]) for line in output.split("mean total")[1].splitlines()[3:]}
    assert table["cell_type_oracle"] > table["unintegrated"]
    kept = tmp_path / "toy" / "cell_type_oracle" / "seed1" / "scores.tsv"
    before = kept.stat().st_mtime_ns
    assert script("integration_quality.py", *given) == output
    assert kept.stat().st_mtime_ns == before
    assert not (tmp_path / "toy" / "unintegrated" / "seed1").exists(), "one seed of what is not stochastic"


def test_control_order_names_the_controls_that_are_out_of_order(script, tmp_path, prepared):
    script("integration_quality.py", prepared, "--methods", "unintegrated", "--seeds", 0, "--out", tmp_path)
    one = read_scores(tmp_path / "toy/unintegrated/seed0/scores.tsv").query("metric == 'ilisi' and status == 'ok'")
    values = {"unintegrated": 0.5, "random_embedding": 0.9, "shuffled_within_cell_type": 0.3, "cell_type_oracle": 1.0}
    rows = [one.assign(method=method, value=value) for method, value in values.items()]
    write_table(tmp_path / "summary" / "scores.tsv", pd.concat(rows))
    output = script("control_order.py", tmp_path)
    assert "| `ilisi` | toy | shuffled_within_cell_type 0.300 | unintegrated 0.500 |" in output
    assert "random_embedding 0.9" not in output
    assert "2 comparisons, 1 datasets" in output


@pytest.mark.parametrize("method", ["scdml", "scdml_iterative"])
def test_scdml_scaling_measures_time_and_memory(script, method, tmp_path):
    given = ["--cells", 300, "--genes", 60, "--epochs", 1, "--method", method, "--out", tmp_path / "scaling.svg"]
    header, row = (line.split("\t") for line in script("scdml_scaling.py", *given).splitlines()[-2:])
    found = dict(zip(header, map(float, row), strict=True))
    assert found["cells"] == 300
    assert found["peak_mb"] >= found["data_mb"] > 0
    assert (tmp_path / "scaling.svg").stat().st_size > 0


def test_transformer_scaling_measures_time_and_memory(script):
    output = script("transformer_scaling.py", "--cells", 200, "--genes", 60, "--epochs", 1, "--threads", 1)
    assert "200 cells x" in output
    assert "MB at the peak" in output


def test_gene_positions_are_compared_with_random_ones(prepared, script):
    given = ["--variants", "random", "none", "--seeds", 0, "--steps", 10]
    lines = script("gene_positions.py", prepared / "toy", *given).splitlines()
    assert lines[-2].split()[:3] == ["random", lines[-2].split()[1], "+0.0000"]
    assert lines[-1].startswith("none")


def test_score_speed_scores_with_every_metric(script):
    (row,) = [line for line in script("score_speed.py", 300, "ours").splitlines() if "| ours |" in line]
    assert row.startswith("| 300 | ours |")


def test_text_table_is_fetched_and_prepared(script, tmp_path):
    lines = script("text_table.py", "--cells", 300, "--genes", 300, "--folder", tmp_path).splitlines()
    assert [line.split()[1] for line in lines[-2:]] == ["fetch", "prepare"]
    zeros = 1 - read_raw(tmp_path / "raw.h5ad").X.nnz / 300 / 300
    assert 0.85 < zeros < 0.95
    assert read_dataset(tmp_path / "dataset.h5ad").uns["cell_cycle"].startswith("scored")


def test_training_speed_compares_with_scvi(prepared, script):
    pytest.importorskip("scvi", reason="scvi-tools is not installed; see benchmarks/README.md")
    output = script("training_speed.py", prepared / "toy" / "dataset.h5ad", "--epochs", 1, "--repeats", 1)
    assert "same architecture" in output


def test_gpu_compares_runs_made_on_two_devices(prepared, script, tmp_path):
    given = [prepared, "--methods", "vae_nb", "--seeds", 0, "--out", tmp_path]
    script("gpu.py", "run", *given, "--devices", "cpu")
    shutil.copytree(tmp_path / "cpu", tmp_path / "gpu")  # stands for runs that were made on another machine
    (tmp_path / "gpu/toy/vae_nb/seed0/seconds.json").write_text('{"seconds": 0.5, "epochs": 10}')
    header, _, row = script("gpu.py", "table", *given).splitlines()
    found = dict(zip(*([cell.strip() for cell in line.split("|")] for line in (header, row)), strict=True))
    assert found["gpu_s"] == "0.5"
    assert float(found["gpu_cells_per_s"]) == 10 * 200 / 0.5
    assert found["cpu_total"] == found["gpu_total"]
    assert float(found["difference"]) == 0


def test_claims_are_tested_on_folders_and_joined_by_numbers_of_the_lab(script, tmp_path):
    folder = tmp_path / "mine"
    rows = [
        ("one", method, seed, "ilisi", "batch", value + 0.01 * seed, "ok", "", "made up")
        for method, value in (("harmony", 0.9), ("unintegrated", 0.3))
        for seed in (0, 1, 2)
    ]
    write_scores(folder / "summary/scores.tsv", pd.DataFrame(rows, columns=SCORE_COLUMNS))
    write_config(folder / "config.yaml", {"metrics": {"weights": {"bio": 0.6, "batch": 0.4}}})
    claim = ["a", "scores", "harmony", "batch", "unintegrated", "batch", "above", 0.0]
    names = ["claim", "table", "method", "measure", "other", "other_measure", "expected", "bound"]
    write_table(tmp_path / "claims.tsv", pd.DataFrame([claim, ["b", "scores", "scdml", *claim[3:]]], columns=names))
    lab = pd.DataFrame([["a", "two", 0.5, 0.4, 3, "datasets", "lab/page.md"]])
    lab.columns = ["claim", "data", "mean", "sd", "n", "over", "page"]
    write_table(tmp_path / "lab.tsv", lab)
    given = [folder, "--claims", tmp_path / "claims.tsv", "--lab", tmp_path / "lab.tsv", "--out", tmp_path / "page.md"]
    script("claims.py", *given)
    page = (tmp_path / "page.md").read_text()
    assert "| mine: one; 3 pairs | +0.600 (+0.600 to +0.600, over seeds) | held |" in page
    assert "| [two](lab/page.md) | +0.500 (-0.494 to +1.494, over datasets) | not shown |" in page
    assert "Not tested yet: b." in page


def test_interval_coverage_has_a_row_for_every_shape_and_number_of_datasets(script):
    output = script("interval_coverage.py", 2)
    assert sum(line.startswith(("| normal", "| skewed", "| lost", "| tied")) for line in output.splitlines()) == 16
    assert output.count("\n|         3 |") == output.count("\n|         7 |") == 8
    assert output.count("\n|        12 |") == 4


def test_rescore_says_which_metric_moved_a_total(prepared, script, tmp_path):
    shutil.copytree(prepared / "toy", tmp_path / "toy")
    adata, truth = read_dataset(tmp_path / "toy/dataset.h5ad"), read_truth(tmp_path / "toy/truth.tsv.gz")
    config = default_config({"metrics": {"preset": "fast"}})
    write_config(tmp_path / "config.yaml", config)
    of, X = {"dataset": "toy", "method": "unintegrated", "seed": 0}, adata.obsm["X_pca"].astype(np.float32)
    folder = tmp_path / "toy/unintegrated/seed0"
    write_embedding(folder / "embedding.h5ad", Embedding(X), adata.obs_names, {})
    scores = score_run(X, None, adata, truth, **of, metrics=config["metrics"])["scores"]
    scores.loc[scores["metric"] == "ilisi", "value"] += 0.1  # what older code gave; one of four metrics of mixing
    write_scores(folder / "scores.tsv", scores)
    _, _, header, _, row = script("rescore.py", tmp_path).splitlines()
    found = dict(zip(*([cell.strip() for cell in line.split("|")] for line in (header, row)), strict=True))
    assert found == {"": "", "dataset": "toy", "method": "unintegrated", "ilisi": "-0.0100", "total": "-0.0100"}


def test_label_free_ranking_compares_with_the_ranking_that_knows_the_cell_types(prepared, script, tmp_path):
    shutil.copytree(prepared / "toy", tmp_path / "toy")
    adata = read_dataset(tmp_path / "toy" / "dataset.h5ad")
    truth = read_truth(tmp_path / "toy" / "truth.tsv.gz")
    config = default_config({"metrics": {"preset": "fast"}})
    write_config(tmp_path / "config.yaml", config)
    noise = np.random.default_rng(0).standard_normal(adata.obsm["X_pca"].shape)
    shares, scores = {"unintegrated": 0.0, "harmony": 1.0, "vae_nb": 3.0, "cvae_nb": 30.0}, []
    for method, share in shares.items():
        X = (adata.obsm["X_pca"] + share * noise).astype(np.float32)
        of = {"dataset": "toy", "method": method, "seed": 0}
        write_embedding(tmp_path / "toy" / method / "seed0" / "embedding.h5ad", Embedding(X), adata.obs_names, {})
        scores.append(score_run(X, None, adata, truth, **of, metrics=config["metrics"])["scores"])
    tables = ranking_tables(
        pd.concat(scores), dict.fromkeys(shares, "method"), config["metrics"]["weights"], "controls"
    )
    for name in ("summary", "scores"):
        write_table(tmp_path / "summary" / f"{name}.tsv", tables[name])
    output = script("label_free_ranking.py", tmp_path)
    assert "| toy       |         4 |" in output
    assert "| total " in output


def test_scaling_finds_the_slope_of_time_and_memory(prepared, script, tmp_path):
    """Time grows with the cells, memory with their square root; the median over two runs of a method is taken."""
    dataset, truth = read_dataset(prepared / "toy" / "dataset.h5ad"), read_truth(prepared / "toy" / "truth.tsv.gz")
    assert len(truth) == dataset.n_obs == 200
    for n_cells in (50, 100, 200):
        folder = tmp_path / f"cells_{n_cells}"
        write_dataset(folder / "dataset.h5ad", dataset[:n_cells].copy())
        for seed, factor in enumerate((1, 1, 9)):
            record = {"s": factor * n_cells, "cpu_time": "NA", "max_rss": n_cells**0.5}
            path = folder / "harmony" / f"seed{seed}" / "benchmark.jsonl"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(record) + "\n")
    tables = script("scaling.py", tmp_path, "--from", 1).split("\n\n")
    rows = [line.split("|")[2:-1] for table in tables for line in table.splitlines() if line.startswith("| harmony")]
    assert [[value.strip() for value in row] for row in rows] == [
        ["50.00", "100.00", "200.00", "1.00"],
        ["7.07", "10.00", "14.14", "0.50"],
    ]


@pytest.fixture
def fitted(root):
    spec = importlib.util.spec_from_file_location("fit_resources", root / "benchmarks/resources.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_fitted_resources_are_never_below_what_was_used_and_recover_what_made_them(fitted):
    sizes = [Size(cells, 2000, 4) for cells in (1000, 10_000, 100_000)]
    used = np.array([estimate({"base": 300, "values": 9}, size) for size in sizes])
    assert fitted.fit(sizes, used, digits=1) == {"base": 300, "values": 9}
    noisy = used * [1.2, 1.0, 0.9]
    amount = fitted.fit(sizes, noisy, digits=1)
    assert all(estimate(amount, size) >= there for size, there in zip(sizes, noisy, strict=True))


def test_a_term_that_the_records_cannot_tell_apart_gets_no_coefficient(fitted):
    assert fitted.fit([Size(1000, 2000, 4)], np.array([500.0]), digits=1) == {"base": 500}
    sizes = [Size(1000, 2000, 4), Size(1000, 2000, 40), Size(5000, 2000, 4), Size(5000, 2000, 40)]
    wanted = {"base": 300.0, "values": 2.0, "batches": 3.0}
    found = fitted.fit(sizes, np.array([estimate(wanted, size) for size in sizes]), digits=1)
    assert found == pytest.approx(wanted, rel=1e-3)


def test_records_and_what_jobs_ask_for_are_compared(fitted, tmp_path):
    run = tmp_path / "data/harmony/seed0"
    run.mkdir(parents=True)
    (tmp_path / "data/size.json").write_text('{"cells": 1000, "genes": 2000, "batches": 4}')
    (run / "benchmark.jsonl").write_text('{"max_rss": 200.0, "cpu_time": 6.0}\n')
    (run / "score.benchmark.jsonl").write_text('{"max_rss": "NA", "cpu_time": "NA"}\n')
    table = fitted.records([tmp_path])
    assert table[["job", "mb", "minutes"]].to_numpy().tolist() == [["harmony", 200.0, 0.1]]
    (row,) = fitted.comparison(table).itertuples()
    assert (row.job, row.cells, row.genes, row.used_mb) == ("harmony", 1000, 2000, 200.0)
    assert row.ratio == round(row.asked_mb / (200.0 + SNAKEMAKE_MB), 1)


def test_the_order_of_methods_is_compared_with_that_on_real_data(script, tmp_path):
    (tmp_path / "real.tsv").write_text("method\ttotal\na\t0.9\nb\t0.8\nc\t0.7\nd\t0.6\nelsewhere\t0.5\n")
    for method, (bio, batch) in {"a": (0.9, 0.9), "b": (0.5, 0.9), "c": (0.8, 0.8), "d": (0.1, 0.1)}.items():
        for dataset in ("one", "two"):
            rows = [
                (dataset, method, 0, group, group, x, "ok", "", "") for group, x in (("bio", bio), ("batch", batch))
            ]
            write_scores(tmp_path / dataset / method / "seed0/scores.tsv", pd.DataFrame(rows, columns=SCORE_COLUMNS))
    (tmp_path / "two/d/seed0/scores.tsv").unlink()
    given = [tmp_path, "--datasets", "one", "two", "--real", tmp_path / "real.tsv"]
    printed = script("order_agreement.py", *given)
    assert "Kendall's tau 0.33 " in printed, "of a, b and c one pair is in another order"
    assert "3 methods and controls" in printed
    printed = script("order_agreement.py", *given, "--methods", "a", "c")
    assert "Kendall's tau 1.00 " in printed


def test_a_simulated_default_dataset_has_the_statistics_of_real_data(script, tmp_path, config):
    """The ranges enclose the five real datasets of docs/lab/simulator.md."""
    for name in ("sim_lineage", "sim_balanced"):
        raw = simulate(**config["datasets"][name]["simulate"])
        dataset, truth = prepare(raw, **config["preprocessing"])
        write_dataset(tmp_path / name / "dataset.h5ad", dataset)
        write_truth(tmp_path / name / "truth.tsv.gz", truth)
    rows = [line.split("|")[1:-1] for line in script("simulation_statistics.py", tmp_path).splitlines()]
    found = {row[0].strip(): [float(value) for value in row[1:]] for row in rows[2:]}
    real = {"zero fraction": (0.59, 0.89), "low rank within type": (0.015, 0.07), "median theta": (1, 6)}
    real |= {"PCA variance: batch": (0.03, 0.25), "PCA variance: interaction": (0.01, 0.05)}
    for statistic, (low, high) in real.items():
        assert low <= found[statistic][1] <= high, statistic
    assert found["low rank within type"][0] < 0.015, "genes of sim_balanced are independent"
