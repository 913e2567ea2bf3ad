"""The workflow end to end on tiny data: what a first run makes, and what runs again after which change."""

import os
import resource
import signal
import subprocess
import sys
import time

import anndata
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scbench.analyses.exports import EXPORTS

METHODS = ["unintegrated", "harmony", "vae_nb"]
CONTROLS = ["random_embedding", "cell_type_oracle", "shuffled_within_cell_type"]
TINY = {
    "benchmark": {"datasets": ["small", "plain"], "methods": METHODS, "controls": CONTROLS, "seeds": [0, 1]},
    "preprocessing": {"n_top_genes": 80, "n_pcs": 10},
    "metrics": {"bio": ["nmi_leiden_best", "clisi"], "batch": ["ilisi", "pcr_comparison"], "extra": []},
    "methods": {"vae_nb": {"params": {"epochs": 2}}},
    "datasets": {
        "small": {"simulate": {"n_cells": 150, "n_genes": 100, "n_types": 3, "n_batches": 2}},
        "plain": {"path": "plain.tsv.gz", "metadata": "cells.tsv", "batch_key": "plate", "label_key": None},
    },
}
BROKEN = '''"""A method that raises."""


def integrate(data, *, seed, device, threads):
    raise RuntimeError("the sky is falling")
'''


def write_plain(folder) -> None:
    """A genes x cells text table without cell types, and the table of its cells."""
    random = np.random.default_rng(0)
    plate = random.integers(0, 2, 100)
    cells = [f"cell{i}" for i in range(100)]
    rates = random.gamma(1.0, 2.0, 60)[:, None] * np.where(plate, 1.5, 1.0)[None]
    genes = pd.Index([f"gene{i}" for i in range(60)])
    pd.DataFrame(random.poisson(rates), index=genes, columns=cells).to_csv(folder / "plain.tsv.gz", sep="\t")
    pd.DataFrame({"plate": plate}, index=pd.Index(cells)).to_csv(folder / "cells.tsv", sep="\t")


@pytest.fixture(scope="module")
def finished(project):
    write_plain(project.folder)
    project.configure(TINY)
    (project.folder / "first_run.txt").write_text(project.run())
    return project


@pytest.fixture
def edited(finished):
    """Edits of files that are undone at the end."""
    before = {}

    def edit(name: str, text: str) -> None:
        path = finished.folder / name
        before[path] = path.read_text() if path.exists() else None
        path.write_text((before[path] or "") + text)

    yield edit
    for path, text in before.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


def coverage(project) -> pd.DataFrame:
    return pd.read_csv(project.results / "summary/coverage.tsv", sep="\t", keep_default_na=False)


def test_every_planned_run_is_ok_and_what_needs_labels_is_skipped_with_a_reason(finished):
    runs = coverage(finished)
    assert runs["status"].value_counts().to_dict() == {"ok": 18, "skipped": 4}
    assert (runs[runs["status"] == "skipped"]["dataset"] == "plain").all()
    assert runs[runs["status"] == "skipped"]["reason"].str.contains("labels").all()


def test_the_run_prints_the_table_and_where_the_figures_are(finished):
    output = (finished.folder / "first_run.txt").read_text()
    assert "| Harmony |" in output
    assert "Figures: results/figures" in output


def test_the_promised_tables_and_figures_are_there(finished):
    for table in ("small", "plain", "overall", "ranking"):
        for suffix in ("tsv", "md", "tex"):
            assert (finished.results / f"tables/{table}.{suffix}").stat().st_size > 0
    for table in ("small", "plain", "overall"):
        for suffix in ("svg", "png", "tsv"):
            assert (finished.results / f"figures/scores_{table}.{suffix}").stat().st_size > 0
    for figure in ("umap_small", "umap_plain", "runtime", "ranking"):
        for suffix in ("svg", "png", "tsv"):
            assert (finished.results / f"figures/{figure}.{suffix}").stat().st_size > 0


def test_scores_without_labels_say_why_and_leave_no_total(finished):
    scores = pd.read_csv(finished.results / "summary/scores.tsv", sep="\t").query("dataset == 'plain'")
    assert set(scores[scores["metric"] == "clisi"]["reason"]) == {"the data set has no cell types"}
    assert (scores[scores["metric"] == "ilisi"]["status"] == "ok").all()
    summary = pd.read_csv(finished.results / "summary/summary.tsv", sep="\t").query("dataset == 'plain'")
    assert summary[summary["metric"] == "total"]["mean"].isna().all()


def test_too_few_data_sets_for_an_interval_are_said_to_be(finished):
    for name in ("overall", "rank_tests"):
        table = pd.read_csv(finished.results / f"summary/{name}.tsv", sep="\t")
        assert set(table["status"]) == {"not_applicable"}
        assert table["reason"].str.contains("1 data sets with totals of all methods; 3 are needed").all()
    assert "not applicable" in (finished.results / "tables/ranking.md").read_text()
    left_out = pd.read_csv(finished.results / "summary/sensitivity.tsv", sep="\t")
    assert set(left_out["left_out"]) == {"nmi_leiden_best", "clisi", "ilisi", "pcr_comparison", "small", "plain"}


def test_the_oracle_beats_noise_on_biology(finished):
    summary = pd.read_csv(finished.results / "summary/summary.tsv", sep="\t").query("dataset == 'small'")
    bio = summary[summary["metric"] == "bio"].set_index("method")["mean"]
    assert bio["cell_type_oracle"] > bio["unintegrated"] > bio["random_embedding"]


def test_an_embedding_carries_the_record_of_how_it_was_made(finished):
    record = anndata.read_h5ad(finished.results / "small/vae_nb/seed1/embedding.h5ad").uns
    assert record["method"] == "vae_nb"
    assert record["seed"] == 1
    assert '"epochs": 2' in record["parameters"]
    assert '"torch"' in record["versions"]
    assert record["device"] == "cpu"
    assert len(record["code_digest"]) == 16


def test_no_cell_type_leaves_the_truth(finished):
    dataset = anndata.read_h5ad(finished.results / "small/dataset.h5ad")
    for text in (dataset.obs.astype(str).to_numpy().ravel(), list(dataset.obs), list(dataset.uns), list(dataset.obsm)):
        assert not any(str(value).startswith("type_") or value == "cell_type" for value in text)


def cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_a_second_run_does_nothing_and_says_so_within_10_seconds(finished):
    start = cpu_seconds_of_children()  # of this work, not of what else the machine does
    assert "Nothing to be done" in finished.run()
    assert cpu_seconds_of_children() - start < 10


def test_touching_every_file_reruns_nothing(finished):
    now = time.time() + 5
    for name in ("results", "workflow_scripts", "config", "rules", "plain.tsv.gz"):
        root = finished.folder / name
        for path in [root, *root.rglob("*")]:
            os.utime(path, (now, now))
    assert finished.planned() == {}


def test_a_comment_in_a_method_reruns_that_method_and_what_depends_on_it(finished, edited):
    edited("workflow_scripts/scbench/methods/vae_nb.py", "# a comment\n")
    jobs = finished.planned()
    assert jobs["integrate_vae_nb"] == 4
    assert jobs["score"] == 4
    assert "summarise" in jobs
    assert not {"integrate_harmony", "integrate_unintegrated", "prepare", "simulate", "fetch"} & set(jobs)


def test_a_new_parameter_reruns_that_method_only(finished):
    jobs = finished.planned({"methods": {"vae_nb": {"params": {"epochs": 3}}}})
    assert jobs["integrate_vae_nb"] == 4
    assert "integrate_harmony" not in jobs


def test_a_new_seed_runs_only_the_new_seed(finished):
    jobs = finished.planned({"benchmark": {"datasets": ["small"], "seeds": [0, 1, 2]}})
    assert {jobs[f"integrate_{method}"] for method in (*METHODS[1:], *CONTROLS)} == {1}
    assert "integrate_unintegrated" not in jobs


def test_a_deleted_embedding_is_made_again_and_nothing_else(finished):
    (finished.results / "small/harmony/seed1/embedding.h5ad").unlink()
    jobs = finished.planned()
    assert jobs["integrate_harmony"] == 1
    assert jobs["score"] == 1
    assert not [name for name in jobs if name.startswith("integrate_") and name != "integrate_harmony"]
    finished.run()
    assert finished.planned() == {}


def test_a_run_that_fails_leaves_the_others_and_is_reported(finished, edited):
    edited("workflow_scripts/scbench/methods/broken.py", BROKEN)
    fields = {"kind": "method", "input": "pca", "uses_labels": False, "stochastic": False, "trained": False}
    needs = {"env": "embed", "gpu": 0, "threads": 1, "mem_mb": 1000, "runtime": 5, "params": {}, "doi": None}
    broken = TINY | {
        "benchmark": TINY["benchmark"] | {"datasets": ["small"], "methods": [*METHODS, "broken"]},
        "methods": TINY["methods"] | {"broken": {"label": "Broken", **fields, **needs}},
    }
    finished.configure(broken)
    try:
        failed = finished.snakemake("--configfile", "tiny.yaml")
        assert failed.returncode != 0
        runs = coverage(finished)
        assert runs["status"].value_counts().to_dict() == {"ok": 11, "failed": 1}
        run = runs[runs["status"] == "failed"].iloc[0]
        assert run["method"] == "broken"
        assert "the sky is falling" in run["reason"]
        assert "Traceback" in (finished.folder / run["log"]).read_text()
        assert "1 of 12 runs failed; see results/summary/coverage.tsv" in failed.stdout + failed.stderr
        finished.run("partial")
        partial = pd.read_csv(finished.results / "partial/summary.tsv", sep="\t")
        assert set(partial["method"]) == {*METHODS, *CONTROLS}
        assert (pd.read_csv(finished.results / "partial/coverage.tsv", sep="\t")["status"] == "failed").sum() == 1
    finally:
        finished.configure(TINY)
    finished.run()
    assert set(coverage(finished)["status"]) == {"ok", "skipped"}


def test_a_killed_run_goes_on_where_it_stopped(finished):
    """Terminated in the middle: what was finished stays, and the next start makes the rest."""
    arguments = ["--configfile", "tiny.yaml", "--config", "benchmark={results: again, datasets: [small]}"]
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    process = subprocess.Popen(
        command, cwd=finished.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    again = finished.folder / "again"
    deadline = time.monotonic() + 300
    while len(list(again.glob("small/*/*/embedding.h5ad"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(60)
    done = {path: path.stat().st_mtime_ns for path in again.glob("small/*/*/embedding.h5ad")}
    assert 3 <= len(done) < 11
    assert finished.snakemake(*arguments).returncode == 0
    assert len(list(again.glob("small/*/*/scores.tsv"))) == 11
    kept = [path for path, written in done.items() if path.stat().st_mtime_ns == written]
    assert len(kept) >= len(done) - 2  # at most the jobs in flight are repeated


def test_exports_of_every_run_are_made_on_demand(finished):
    more = {"benchmark": {"datasets": ["plain"], "methods": ["unintegrated", "vae_nb"], "controls": [], "seeds": [0]}}
    finished.run("exports", more=more)
    for method in more["benchmark"]["methods"]:
        folder = finished.results / "plain" / method / "seed0"
        assert all((folder / name).stat().st_size > 0 for name in EXPORTS)
    assert (folder / "silhouette_celltype.txt").read_text().startswith("not applicable: the data set has no cell types")
    assert finished.planned() == {}, "the exports are no part of the benchmark"


def test_the_workflow_is_usable_as_a_module_from_another_folder(finished, tmp_path):
    write_plain(tmp_path)
    (tmp_path / "Snakefile").write_text(f"""
config["benchmark"] = {{"datasets": ["plain"], "methods": ["unintegrated"], "controls": [], "seeds": [0]}}
config["datasets"] = {TINY["datasets"]!r}
config["metrics"] = {{"bio": [], "batch": ["ilisi"], "extra": []}}

module benchmark:
    snakefile: "{finished.folder}/Snakefile"
    config: config

use rule * from benchmark as benchmark_*

rule mine:
    default_target: True
    input: "results/summary/summary.tsv"
    output: "done.txt"
    shell: "cp {{input}} {{output}}"
""")
    done = finished.snakemake(folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "done.txt", sep="\t")["method"].unique().tolist() == ["unintegrated"]


def test_the_rounds_of_self_training_are_drawn_where_such_a_method_runs(finished):
    assert "self_training_figure" not in finished.planned()
    benchmark = {"datasets": ["small"], "methods": ["scdml_iterative"], "controls": [], "seeds": [0]}
    more = {
        "benchmark": benchmark | {"results": "results/rounds"},
        "methods": {"scdml_iterative": {"params": {"epochs": 2}}},
    }
    assert finished.planned(more)["self_training_figure"] == 1
    finished.run("results/rounds/figures/self_training.svg", more=more)
    drawn = pd.read_csv(finished.results / "rounds/figures/self_training.tsv", sep="\t")
    assert set(drawn["term"]) >= {"clusters", "accepted", "triplets"}


def test_snakemakes_own_report_holds_the_figures(finished):
    finished.run("--report", "report.html")
    text = (finished.folder / "report.html").read_text()
    assert "scores_overall.svg" in text
    assert "umap_small.svg" in text


def test_a_mistake_in_the_configuration_stops_before_any_job(finished):
    wrong = finished.snakemake("--configfile", "tiny.yaml", "--config", "benchmark={methods: [magic]}")
    assert wrong.returncode != 0
    assert "benchmark.methods: 'magic' is not declared" in wrong.stdout + wrong.stderr


def test_the_rules_are_linted_and_formatted(finished):
    lint = finished.snakemake("--lint")
    assert lint.returncode == 0, lint.stdout + lint.stderr
    files = [str(ROOT / "Snakefile"), *map(str, (ROOT / "rules").glob("*.smk"))]
    formatted = subprocess.run([sys.executable, "-m", "snakefmt", "--check", *files], capture_output=True, text=True)
    assert formatted.returncode == 0, formatted.stderr


def test_the_code_is_clean():
    for arguments in (["check"], ["format", "--check"]):
        ruff = subprocess.run([sys.executable, "-m", "ruff", *arguments, str(ROOT)], capture_output=True, text=True)
        assert ruff.returncode == 0, ruff.stdout + ruff.stderr


def test_every_rule_names_what_a_cluster_needs(root):
    for path in (root / "rules").glob("*.smk"):
        rules = path.read_text().split("\nrule ")[1:] + path.read_text().split("\n    rule:")[1:]
        for rule in rules:
            for word in ("log:", "benchmark:", "conda:", "threads:", "mem_mb=", "runtime="):
                assert word in rule, f"{path.name}: {rule.split(':')[0]} has no {word}"
