"""The workflow end to end on tiny data: what a first run makes, and what runs again after which change."""

import hashlib
import importlib.util
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT

from scbench.analyses.exports import EXPORTS
from scbench.config import read_config
from scbench.integrity import whole

METHODS = ["unintegrated", "harmony", "scdml_iterative"]
CONTROLS = ["random_embedding", "cell_type_oracle"]
TINY = {
    "benchmark": {"datasets": ["small", "plain"], "methods": METHODS, "controls": CONTROLS, "seeds": [1]},
    "preprocessing": {"n_top_genes": 80, "n_pcs": 10},
    "metrics": {"bio": ["nmi_leiden_best", "clisi"], "batch": ["ilisi", "pcr_comparison"], "extra": []},
    "methods": {"scdml_iterative": {"params": {"epochs": 2, "rounds": 1}}},
    "datasets": {
        "small": {"simulate": {"n_cells": 150, "n_genes": 100, "n_types": 3, "n_batches": 2}},
        "plain": {
            "path": "plain.tsv.gz",
            "metadata": "cells.tsv",
            "batch_key": "plate",
            "label_key": None,
            "embeddings": {"elsewhere": {"path": "elsewhere.csv", "label": "Made elsewhere"}},
        },
    },
}
BROKEN = '''"""A method that raises."""


def integrate(data, *, seed, device, threads):
    raise RuntimeError("the sky is falling")
'''
FIRST_FUNCTION = re.compile(r'(?m)^( *)def \w+\([^"]*?:\n +"""(?:[^"]|"(?!""))*"""\n')


def write_plain(folder) -> None:
    """A genes x cells text table without cell types, the table of its cells and an embedding made elsewhere."""
    random = np.random.default_rng(0)
    plate = random.integers(0, 2, 100)
    cells = [f"cell{i}" for i in range(100)]
    rates = random.gamma(1.0, 2.0, 60)[:, None] * np.where(plate, 1.5, 1.0)[None]
    genes = pd.Index([f"gene{i}" for i in range(60)])
    pd.DataFrame(random.poisson(rates), index=genes, columns=cells).to_csv(folder / "plain.tsv.gz", sep="\t")
    pd.DataFrame({"plate": plate}, index=pd.Index(cells)).to_csv(folder / "cells.tsv", sep="\t")
    pd.DataFrame(random.standard_normal((100, 5)), index=cells)[::-1].to_csv(folder / "elsewhere.csv")


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

    def edit(name: str, change) -> None:
        path = finished.folder / name
        before.setdefault(path, path.read_text() if path.exists() else None)
        path.write_text(change(path.read_text() if path.exists() else ""))

    yield edit
    for path, text in before.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


def new_docstring(text: str) -> str:
    return text.replace('"""', '"""Edited. ', 1)


def a_line_of_code_more(text: str) -> str:
    """The first function with a docstring gets another line."""
    return FIRST_FUNCTION.sub(lambda found: f"{found[0]}{found[1]}    assert True\n", text, count=1)


def coverage(project) -> pd.DataFrame:
    return pd.read_csv(project.results / "summary/coverage.tsv", sep="\t", keep_default_na=False)


def test_every_planned_run_is_ok_and_what_needs_labels_is_skipped_with_a_reason(finished):
    runs = coverage(finished)
    assert runs["status"].value_counts().to_dict() == {"ok": 10, "skipped": 1}
    assert (runs[runs["status"] == "skipped"]["dataset"] == "plain").all()
    assert runs[runs["status"] == "skipped"]["reason"].str.contains("labels").all()


def test_the_run_prints_the_table_and_where_the_figures_are(finished):
    output = (finished.folder / "first_run.txt").read_text()
    assert "| Harmony |" in output
    assert "Figures: results/figures" in output
    lines = [line for line in output.splitlines() if line.startswith("[")]
    assert len(lines) == int(re.search(r"Jobs to run: (\d+)", output)[1]), "one line per finished job"
    assert lines[-1].startswith(f"[{len(lines)}/{len(lines)}] Benchmark complete")


def test_the_promised_tables_and_figures_are_there(finished):
    for table in ("small", "plain", "overall", "ranking", "datasets"):
        for suffix in ("tsv", "md", "tex"):
            assert (finished.results / f"tables/{table}.{suffix}").stat().st_size > 0
    for table in ("small", "plain", "overall"):
        for suffix in ("svg", "png", "pdf", "tsv"):
            assert (finished.results / f"figures/scores_{table}.{suffix}").stat().st_size > 0
    page = (finished.results / "report.html").read_text()
    assert page.count('id="packed-') == len(list(finished.results.glob("*/*/seed*/umap.tsv.gz"))) > 0
    for figure in ("umap_small", "umap_plain", "runtime", "ranking", "self_training", "bio_batch", "scaling"):
        for suffix in ("svg", "png", "pdf", "tsv"):
            assert (finished.results / f"figures/{figure}.{suffix}").stat().st_size > 0


def test_scores_without_labels_say_why_and_leave_no_total(finished):
    scores = pd.read_csv(finished.results / "summary/scores.tsv", sep="\t").query("dataset == 'plain'")
    reasons = scores[scores["metric"] == "clisi"]["reason"]
    assert len(reasons) == 5
    assert reasons.str.fullmatch("the data ?set has no cell types").all()
    assert (scores[scores["metric"] == "ilisi"]["status"] == "ok").all()
    summary = pd.read_csv(finished.results / "summary/summary.tsv", sep="\t").query("dataset == 'plain'")
    assert summary[summary["metric"] == "total"]["mean"].isna().all()


def test_the_merged_configuration_of_the_last_start_is_kept_with_the_results(finished):
    config = read_config(finished.results / "config.yaml")
    assert config["benchmark"]["methods"] == METHODS
    assert config["datasets"]["small"] == TINY["datasets"]["small"]
    assert config["methods"]["scdml_iterative"]["params"] == {"epochs": 2, "rounds": 1}
    assert config["methods"]["scdml_iterative"]["threads"] == config["defaults"]["threads"]


def test_jobs_ask_for_what_they_use_and_not_for_four_times_as_much(finished, root):
    spec = importlib.util.spec_from_file_location("fit_resources", root / "benchmarks/resources.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    compared = module.comparison(module.records([finished.results]))
    assert {"harmony", "scdml_iterative", "score", "project"} <= set(compared["job"])
    for row in compared.itertuples():
        assert row.used_mb <= row.asked_mb, row
        assert row.ratio <= 4, row
        assert row.used_min <= row.asked_min, row


def test_the_analysis_that_a_method_declares_is_made_of_its_runs_and_drawn(finished):
    for dataset in ("small", "plain"):
        table = pd.read_csv(finished.results / dataset / "scdml_iterative/seed1/self_training.tsv", sep="\t")
        assert set(table["term"]) >= {"clusters", "accepted", "triplets"}
    drawn = pd.read_csv(finished.results / "figures/self_training.tsv", sep="\t")
    assert list(drawn.columns) == ["dataset", "method", "seed", "epoch", "term", "value"]
    assert drawn[["dataset", "method", "seed"]].drop_duplicates().to_numpy().tolist() == [
        ["small", "scdml_iterative", 1],
        ["plain", "scdml_iterative", 1],
    ]


def test_too_few_datasets_for_an_interval_are_said_to_be(finished):
    for name in ("overall", "rank_tests"):
        table = pd.read_csv(finished.results / f"summary/{name}.tsv", sep="\t")
        assert set(table["status"]) == {"not_applicable"}
        assert table["reason"].str.contains("1 datasets with totals of all methods; 3 are needed").all()
    assert "not applicable" in (finished.results / "tables/ranking.md").read_text()
    left_out = pd.read_csv(finished.results / "summary/sensitivity.tsv", sep="\t")
    assert set(left_out["left_out"]) == {"nmi_leiden_best", "clisi", "ilisi", "pcr_comparison", "small", "plain"}


def test_the_oracle_beats_noise_on_biology(finished):
    summary = pd.read_csv(finished.results / "summary/summary.tsv", sep="\t").query("dataset == 'small'")
    bio = summary[summary["metric"] == "bio"].set_index("method")["mean"]
    assert bio["cell_type_oracle"] > bio["unintegrated"] > bio["random_embedding"]


def test_an_embedding_carries_the_record_of_how_it_was_made(finished):
    record = anndata.read_h5ad(finished.results / "small/scdml_iterative/seed1/embedding.h5ad").uns
    assert record["method"] == "scdml_iterative"
    assert record["seed"] == 1
    assert '"epochs": 2' in record["parameters"]
    assert '"latent_dim": ' in record["parameters"], "also what the configuration leaves to its default"
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


def test_docstrings_comments_unused_functions_and_other_families_rerun_nothing(finished, edited):
    library = "workflow_scripts/scbench"
    for name in ("types.py", "files.py", "runner.py", "methods/scdml_iterative.py", "metric_learning/triplets.py"):
        edited(f"{library}/{name}", lambda text: f"{new_docstring(text)}\n# a comment\n")
    edited(f"{library}/files.py", lambda text: f"{text}\n\ndef nothing_calls_this():\n    return 1\n")
    for name in ("autoencoders/count_vae.py", "transformer/trunk.py", "metrics/expression.py", "report/attention.py"):
        edited(f"{library}/{name}", a_line_of_code_more)
    assert finished.planned() == {}


def test_a_line_of_code_in_a_family_reruns_that_family_and_what_depends_on_it(finished, edited):
    edited("workflow_scripts/scbench/metric_learning/triplets.py", a_line_of_code_more)
    jobs = finished.planned()
    assert {name for name in jobs if name.startswith("integrate_")} == {"integrate_scdml_iterative"}
    assert jobs["integrate_scdml_iterative"] == jobs["score"] == jobs["analyse_self_training"] == 2
    assert {"summarise", "gather_self_training"} <= set(jobs)
    assert not {"prepare", "simulate", "fetch"} & set(jobs)


def test_a_new_parameter_reruns_that_method_only(finished):
    jobs = finished.planned({"methods": {"scdml_iterative": {"params": {"epochs": 3}}}})
    assert jobs["integrate_scdml_iterative"] == 2
    assert {name for name in jobs if name.startswith("integrate_")} == {"integrate_scdml_iterative"}


def test_a_new_seed_runs_only_the_new_seed(finished):
    jobs = finished.planned({"benchmark": {"datasets": ["small"], "seeds": [1, 2]}})
    assert {jobs[f"integrate_{method}"] for method in (*METHODS[1:], *CONTROLS)} == {1}
    assert "integrate_unintegrated" not in jobs


def test_analyses_are_planned_for_the_methods_that_declare_them_and_a_dry_run_writes_nothing(finished):
    def analyses(more):
        jobs = finished.planned(more | {"benchmark": {"results": "never", **more.get("benchmark", {})}})
        return {name: jobs[name] for name in jobs if name.startswith(("analyse_", "gather_"))}

    assert analyses({}) == {"analyse_self_training": 2, "gather_self_training": 1}
    assert analyses({"benchmark": {"methods": METHODS[:2]}}) == {}
    assert not (finished.folder / "never").exists()


def test_a_deleted_embedding_is_made_again_with_the_same_bits_and_nothing_else(finished, tmp_path):
    folder = finished.results / "small/harmony/seed1"
    shutil.copytree(folder, tmp_path / "kept")
    before = anndata.read_h5ad(folder / "embedding.h5ad")
    (folder / "embedding.h5ad").unlink()
    jobs = finished.planned()
    assert jobs["integrate_harmony"] == 1
    assert jobs["score"] == 1
    assert not [name for name in jobs if name.startswith("integrate_") and name != "integrate_harmony"]
    finished.run("results/small/harmony/seed1/embedding.h5ad")
    assert (anndata.read_h5ad(folder / "embedding.h5ad").obsm["X_emb"] == before.obsm["X_emb"]).all()
    shutil.rmtree(folder)
    shutil.move(tmp_path / "kept", folder)
    assert finished.planned() == {}


def test_an_identical_dataset_made_again_retrains_nothing(finished):
    dataset = finished.results / "small/dataset.h5ad"
    before = dataset.read_bytes()
    dataset.unlink()
    finished.run("results/small/dataset.h5ad")
    assert dataset.read_bytes() == before
    assert finished.planned() == {}


def test_an_embedding_made_elsewhere_is_a_run_like_others_but_without_a_run_time(finished):
    (run,) = coverage(finished).query("method == 'elsewhere'").itertuples()
    assert (run.dataset, run.seed, run.status) == ("plain", 1, "ok")
    assert "| Made elsewhere |" in (finished.results / "tables/plain.md").read_text()
    overall = pd.read_csv(finished.results / "tables/overall.tsv", sep="\t").set_index("method")
    assert overall.loc["elsewhere", "kind"] == "external"
    assert "elsewhere" in set(pd.read_csv(finished.results / "figures/umap_plain.tsv", sep="\t")["method"])
    assert "elsewhere" not in set(pd.read_csv(finished.results / "summary/resources.tsv", sep="\t")["method"])
    uns = anndata.read_h5ad(finished.results / "plain/elsewhere/seed1/embedding.h5ad").uns
    content = (finished.folder / "elsewhere.csv").read_bytes()
    wanted = {"path": "elsewhere.csv", "sha256_of_path": hashlib.sha256(content).hexdigest()}
    assert json.loads(uns["parameters"]) == wanted
    assert wanted["sha256_of_path"] in (finished.results / "report.html").read_text()


def test_an_exported_and_shuffled_embedding_comes_back_with_the_same_scores(finished):
    run = anndata.read_h5ad(finished.results / "small/harmony/seed1/embedding.h5ad")
    run = run[np.random.default_rng(0).permutation(run.n_obs)].copy()
    table = pd.DataFrame(run.obsm["X_emb"], index=run.obs_names)
    table.to_csv(finished.folder / "back.csv.gz")
    table.rename(columns=str).to_parquet(finished.folder / "back.parquet")
    run.write_h5ad(finished.folder / "back.h5ad")
    np.save(finished.folder / "back.npy", run.obsm["X_emb"])
    (finished.folder / "ids.txt").write_text("\n".join(run.obs_names))
    (finished.folder / "few.csv").write_text(table.iloc[1:].to_csv())
    settings = {
        "back_csv": {"path": "back.csv.gz"},
        "back_parquet": {"path": "back.parquet"},
        "back_h5ad": {"path": "back.h5ad", "obsm": "X_emb"},
        "back_npy": {"path": "back.npy", "ids": "ids.txt"},
    }
    more = {"datasets": {"small": {"embeddings": settings}}}
    finished.run(*(f"results/small/{id_}/seed1/scores.tsv" for id_ in settings), more=more)
    wanted, *found = (
        (finished.results / f"small/{id_}/seed1/scores.tsv").read_text().replace(f"\t{id_}\t", "\tmethod\t")
        for id_ in ("harmony", *settings)
    )
    assert set(found) == {wanted}

    for settings, words in (
        ({"path": "few.csv"}, f"few.csv: lacks 1 cell ({run.obs_names[0]}) of the dataset"),
        ({"path": "back.h5ad", "obsm": "X_pca"}, "embeddings.few.obsm: 'X_pca' is not in back.h5ad; obsm: X_emb"),
    ):
        few = {"datasets": {"small": {"embeddings": {"few": settings}}}}
        (finished.folder / "few.yaml").write_text(yaml.safe_dump(few))
        failed = finished.snakemake("results/small/few/seed1/scores.tsv", "--configfile", "tiny.yaml", "few.yaml")
        assert failed.returncode != 0
        assert words in failed.stdout + failed.stderr


def test_a_run_that_fails_leaves_the_others_and_is_reported(finished, edited):
    edited("workflow_scripts/scbench/methods/broken.py", lambda text: BROKEN)
    entry = {"label": "Broken", "input": "pca", "stochastic": False, "trained": False, "env": "embed", "gpu": 0}
    broken = TINY | {
        "benchmark": TINY["benchmark"] | {"datasets": ["small"], "methods": [*METHODS, "broken"]},
        "methods": TINY["methods"] | {"broken": entry},
    }
    finished.configure(broken)
    try:
        failed = finished.snakemake("--configfile", "tiny.yaml")
        assert failed.returncode != 0
        runs = coverage(finished)
        assert runs["status"].value_counts().to_dict() == {"ok": 5, "failed": 1}
        run = runs[runs["status"] == "failed"].iloc[0]
        assert run["method"] == "broken"
        assert "the sky is falling" in run["reason"]
        assert "Traceback" in (finished.folder / run["log"]).read_text()
        output = failed.stdout + failed.stderr
        assert "1 of 6 runs failed; see results/summary/coverage.tsv" in output
        assert re.search("(?m)^FAILED small: Broken, seed 1: RuntimeError: the sky is falling", output)
        assert "broken" in read_config(finished.results / "config.yaml")["methods"]
        printed = finished.scbench("summarise", "results")
        assert "| Harmony |" in printed
        assert "5 ok, 1 failed" in printed
        partial = pd.read_csv(finished.results / "partial/summary.tsv", sep="\t")
        assert set(partial["method"]) == {*METHODS, *CONTROLS}
        assert (pd.read_csv(finished.results / "partial/coverage.tsv", sep="\t")["status"] == "failed").sum() == 1
    finally:
        finished.configure(TINY)
    finished.run()
    assert set(coverage(finished)["status"]) == {"ok", "skipped"}


def test_a_broken_file_costs_its_own_run_and_the_next_start_makes_it_again(finished):
    """Scores that were truncated, then an embedding of another method, each noticed by the job that reads it."""
    names = ["summary/summary.tsv", "small/harmony/seed1/scores.tsv", "small/unintegrated/seed1/scores.tsv"]
    files = [finished.results / name for name in (*names, "small/unintegrated/seed1/embedding.h5ad")]
    before = [path.read_bytes() for path in files]
    summary, scores, _, embedding = files

    def start() -> tuple[int, str]:
        done = finished.snakemake(*(f"results/{name}" for name in names), "--configfile", "tiny.yaml")
        return done.returncode, done.stdout + done.stderr

    scores.write_bytes(before[1][:200])
    code, output = start()
    assert code != 0
    assert "1 of 11 runs failed; see results/summary/coverage.tsv" in output
    assert "seed1/scores.tsv: its content is not what was written; it is damaged or was edited" in output
    assert "| Harmony |" not in output, "no table of an earlier start"
    table = pd.read_csv(summary, sep="\t").query("dataset == 'small'")
    assert set(table["method"]) == {*METHODS, *CONTROLS} - {"harmony"}
    assert (coverage(finished)["status"] == "failed").sum() == 1
    assert (scores.parent / "scores.tsv.broken").read_bytes() == before[1][:200]

    for name in ("embedding.h5ad", ".embedding.h5ad.sha256"):
        shutil.copy(scores.parent / name, embedding.parent / name)
    code, output = start()
    assert code != 0
    assert "embedding.h5ad: is of method harmony, not of method unintegrated" in output
    assert scores.read_bytes() == before[1], "what was set aside is made again"

    code, output = start()
    assert code == 0, output
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize(("kill", "number"), [(os.killpg, signal.SIGTERM), (os.kill, signal.SIGHUP)])
def test_a_killed_run_goes_on_where_it_stopped(finished, kill, number):
    """Terminated with its jobs, or hung up: what was finished stays, and the next start makes the rest."""
    again = finished.folder / number.name
    (again / "small").mkdir(parents=True)
    for name in ("raw.h5ad", "dataset.h5ad", "truth.tsv.gz"):
        shutil.copy(finished.results / "small" / name, again / "small")
    benchmark = {"results": number.name, "datasets": ["small"], "methods": ["unintegrated"], "seeds": [0, 1, 2]}
    (finished.folder / "again.yaml").write_text(yaml.safe_dump({"benchmark": benchmark}))
    arguments = [f"{number.name}/summary/summary.tsv", "--configfile", "tiny.yaml", "again.yaml"]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it, and so would the process
    process = finished.start(*arguments, stdout=subprocess.PIPE)
    signal.signal(signal.SIGHUP, before)
    deadline = time.monotonic() + 300
    while len(list(again.glob("small/*/*/embedding.h5ad"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.1)
    kill(process.pid, number)
    output = process.communicate(timeout=60)[0]
    assert re.search(r"[0-7] of 7 runs are complete, .*\. Start again to make only what is missing", output), output
    done = {path: path.stat().st_mtime_ns for path in again.glob("small/*/*/embedding.h5ad")}
    assert 2 <= len(done) < 7
    assert finished.snakemake(*arguments).returncode == 0
    assert len(list(again.glob("small/*/*/scores.tsv"))) == 7
    kept = [path for path, written in done.items() if path.stat().st_mtime_ns == written]
    assert len(kept) >= len(done) - 2  # at most the jobs in flight are repeated
    summary = pd.read_csv(again / "summary/summary.tsv", sep="\t").query("metric == 'ilisi'").set_index("method")
    assert summary["n_seeds"].to_dict() == {"unintegrated": 1, "random_embedding": 3, "cell_type_oracle": 3}
    assert summary["sd"].notna().to_dict() == {
        "unintegrated": False,
        "random_embedding": True,
        "cell_type_oracle": True,
    }


TERMINATED = """
from scbench.signals import stop_in_thread

def terminated(wildcards):
    checkpoints.first.get()
    os.kill(os.getpid(), signal.SIGTERM)
    return "first"

onstart:
    stop_in_thread()
onerror:
    print("closing words")
rule all:
    input: "second"
checkpoint first:
    output: "first"
    shell: "touch {output}"
rule second:
    input: terminated
    output: "second"
    shell: "touch {output}"
"""


def test_a_termination_while_a_job_is_completed_does_not_hang_the_workflow(tmp_path):
    """Snakemake holds the lock of its scheduler while it evaluates the input of a job after a checkpoint."""
    (tmp_path / "Snakefile").write_text(f"import os, signal{TERMINATED}")
    paths = os.environ | {"PYTHONPATH": str(ROOT / "workflow_scripts")}
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=paths)
    assert "Will exit after finishing currently running jobs" in done.stderr
    assert "closing words" in done.stdout
    assert done.returncode == 1


def test_two_starts_at_once_without_a_lock_leave_whole_files(finished):
    """With --nolock, against advice: both may make the same file, and it is that of one of them."""
    benchmark = {"results": "twice", "datasets": ["small"], "methods": ["unintegrated"], "seeds": [0]}
    (finished.folder / "twice.yaml").write_text(yaml.safe_dump({"benchmark": benchmark}))
    (finished.folder / "twice/small").mkdir(parents=True)
    for name in ("raw.h5ad", "dataset.h5ad", "truth.tsv.gz"):
        shutil.copy(finished.results / "small" / name, finished.folder / "twice/small")
    arguments = ["twice/summary/summary.tsv", "--nolock", "--configfile", "tiny.yaml", "twice.yaml"]
    both = [finished.start(*arguments, stdout=subprocess.PIPE) for _ in range(2)]
    outputs = [one.communicate(timeout=300)[0] for one in both]
    for output in outputs:
        assert "Traceback" not in output
    assert finished.snakemake(*arguments).returncode == 0
    runs = pd.read_csv(finished.folder / "twice/summary/coverage.tsv", sep="\t")
    assert set(runs["status"]) == {"ok"}
    embeddings = list((finished.folder / "twice").rglob("embedding.h5ad"))
    assert len(embeddings) == 3
    for path in embeddings:
        with whole(path):
            pass
    assert not list((finished.folder / "twice").rglob("*.broken"))


def test_exports_are_made_on_demand_of_every_run(finished):
    more = {"benchmark": {"datasets": ["plain"], "methods": ["unintegrated", "scdml_iterative"], "controls": []}}
    assert not list(finished.results.rglob(EXPORTS[0])), "the exports are no part of the benchmark"
    assert finished.planned(more, "exports") == {"export_run": 3, "exports": 1}
    folder = finished.results / "plain/scdml_iterative/seed1"
    finished.run(*(f"results/plain/scdml_iterative/seed1/{name}" for name in EXPORTS))
    assert all((folder / name).stat().st_size > 0 for name in EXPORTS)
    assert (folder / "silhouette_celltype.txt").read_text().startswith("not applicable: the dataset has no cell types")


def test_the_paper_is_made_on_demand_from_what_is_there(finished):
    finished.run()  # other tests repeated a run, which changes the run times
    jobs = finished.planned(None, "paper")
    assert jobs == {"claims_table": 1, "paper_folder": 1, "paper": 1}
    finished.run("paper")
    readme = (finished.results / "paper/README.md").read_text()
    assert "figure_04_self_training.png" in readme
    assert "- Ablations: benchmark.ablations lists no methods\n" in readme
    assert (finished.results / "paper/figure_02_bio_batch.svg").stat().st_size > 0


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
    assert pd.read_csv(tmp_path / "done.txt", sep="\t")["method"].unique().tolist() == ["elsewhere", "unintegrated"]


def test_snakemakes_own_report_holds_the_figures(finished):
    finished.run("--report", "report.html")
    text = (finished.folder / "report.html").read_text()
    assert "scores_overall.svg" in text
    assert "umap_small.svg" in text


def test_a_lock_that_a_power_cut_left_is_named_with_the_command_that_removes_it(finished):
    locks = finished.folder / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("results/summary/scores.tsv\n")
    command = ["--forcerun", "summarise", "--configfile", "tiny.yaml", "--", "results/summary/scores.tsv"]
    try:
        locked = finished.snakemake(*command)
        assert locked.returncode != 0
        assert f"-m snakemake --unlock --cores 2 {' '.join(command)}" in locked.stdout + locked.stderr
        assert "finished files are kept" in locked.stdout + locked.stderr
    finally:
        shutil.rmtree(locks)


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
    rules = {}
    for path in (root / "rules").glob("*.smk"):
        for number, rule in enumerate(re.split(r"(?m)^ *rule *\w*:$", path.read_text())[1:]):
            rules[f"{path.name}, rule {number}"] = rule
    jobs = {name: rule for name, rule in rules.items() if "output:" in rule or "script:" in rule}
    assert len(jobs) == len(list((root / "workflow_scripts").glob("*.py"))), "one rule per script"
    for name, rule in jobs.items():
        for word in ("log:", "benchmark:", "conda:", "threads:", "mem_mb=", "runtime=", "code=", "script:"):
            assert word in rule, f"{name} has no {word}"
    for name in set(rules) - set(jobs):
        assert not re.search(r"(?m)^ +(shell|run|notebook|wrapper):", rules[name]), (
            f"{name} does more than ask for files"
        )


# ---- how long it takes to plan


def cpu_seconds_of_planning(project, config: dict) -> float:
    start = cpu_seconds_of_children()
    (project.folder / "plan.yaml").write_text(yaml.safe_dump(config))
    done = project.snakemake("-n", "--quiet", "rules", "--configfile", "plan.yaml")
    assert done.returncode == 0, done.stderr
    return cpu_seconds_of_children() - start


def test_the_default_benchmark_is_planned_in_a_few_times_what_snakemake_needs_to_load(project):
    start = cpu_seconds_of_children()
    project.snakemake("--version")
    loading = cpu_seconds_of_children() - start  # 0.65 s on the machine on which planning took 2.1 s
    assert cpu_seconds_of_planning(project, {"benchmark": {"results": "results/planned"}}) < 5 * loading


def test_10_datasets_12_methods_and_5_seeds_are_planned_within_20_seconds(project):
    names = [*("unintegrated", "harmony", "vae_nb", "cvae_nb", "disentangled_ae", "autoencoder", "scdml")]
    names += ["scdml_iterative", "gene_transformer"]
    datasets = {f"data_{number}": {"simulate": {"n_cells": 150, "n_genes": 100}} for number in range(10)}
    controls = ["random_embedding", "cell_type_oracle", "shuffled_within_cell_type"]
    assert len(names) + len(controls) == 12
    benchmark = {"datasets": list(datasets), "methods": names, "controls": controls, "seeds": [0, 1, 2, 3, 4]}
    config = {"benchmark": benchmark | {"results": "results/planned"}, "datasets": datasets}
    assert cpu_seconds_of_planning(project, config) < 20
