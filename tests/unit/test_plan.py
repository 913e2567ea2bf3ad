import dataclasses
import subprocess
import sys

import pytest

from scbench.config import load_config
from scbench.paths import Paths
from scbench.plan import Run, not_installed, plan_runs, skip_too_large
from scbench.registry import load_registry
from scbench.types import ConfigError


def plan(config):
    return plan_runs(config, load_registry(config["methods"]))


def test_every_dataset_method_and_seed_is_planned_once(config):
    runs = plan(config)
    assert len(runs) == len(set(runs))
    assert {(r.dataset, r.seed) for r in runs if r.method == "vae_nb"} == {
        (d, s) for d in ("sim_donors", "sim_technologies", "sim_lineage") for s in (0, 1, 2)
    }


def test_a_deterministic_method_runs_with_one_seed(config):
    assert [r.seed for r in plan(config) if r.method == "unintegrated" and r.dataset == "sim_lineage"] == [0]


def test_a_slow_method_may_have_fewer_seeds_than_the_others(config):
    config["methods"]["vae_nb"]["seeds"] = [0, 1]
    config["methods"]["unintegrated"]["seeds"] = [4, 5]
    seeds = {}
    for run in plan(config):
        seeds.setdefault(run.method, set()).add(run.seed)
    assert (seeds["vae_nb"], seeds["unintegrated"], seeds["cvae_nb"]) == ({0, 1}, {4}, {0, 1, 2})


def test_a_method_that_uses_labels_is_skipped_with_a_reason_where_there_are_none(config):
    config["datasets"]["mine"] = {"path": "x.h5ad", "batch_key": "b", "label_key": None}
    config["benchmark"]["datasets"] = ["mine"]
    skipped = [r for r in plan(config) if r.status == "skipped"]
    assert {r.method for r in skipped} == {"cell_type_oracle", "shuffled_within_cell_type"}
    assert all("labels" in r.reason for r in skipped)


def test_a_method_whose_packages_are_missing_is_skipped_with_the_remedy_and_nothing_else_changes(config):
    config["methods"]["scvi"]["packages"] = ["numpy", "no-such-package"]
    config["methods"]["vae_nb"]["packages"] = ["another-missing-package", "no-such-package"]
    config["benchmark"]["methods"] = ["harmony", "scvi", "cvae_nb"]
    registry = load_registry(config["methods"])
    missing = not_installed(registry)
    assert missing["scvi"] == "no-such-package is not installed; run `make reference`"
    assert missing["vae_nb"] == "another-missing-package, no-such-package is not installed; install it"
    assert "harmony" not in missing
    runs, all_runs = plan_runs(config, registry, missing), plan_runs(config, registry)
    assert {run.reason for run in runs if run.method == "scvi"} == {missing["scvi"]}
    assert all(run.status == ("skipped" if run.method == "scvi" else "planned") for run in runs)
    assert [run for run in runs if run.method != "scvi"] == [run for run in all_runs if run.method != "scvi"]
    assert all(run.status == "planned" for run in all_runs), "with --use-conda they run in their own environment"


@pytest.mark.parametrize("key", ["methods", "controls"])
def test_an_unknown_method_is_named(config, key):
    config["benchmark"][key] = ["magic"]
    with pytest.raises(ConfigError, match=rf"benchmark\.{key}.*magic"):
        plan(config)


def test_the_plan_is_importable_without_the_heavy_libraries(root):
    names = ("plan", "paths", "provenance", "coverage", "source", "analyses.catalogue")
    code = f"import sys, {', '.join(f'scbench.{name}' for name in names)}; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=root / "workflow_scripts", capture_output=True, text=True, check=True
    )
    loaded = set(out.stdout.split())
    assert not loaded & {"torch", "scanpy", "anndata", "jax", "numpy", "pandas", "snakemake"}


def test_a_run_that_needs_more_memory_than_the_machine_has_is_skipped_with_the_number(root, tmp_path, monkeypatch):
    monkeypatch.setattr("scbench.resources.machine_memory_mb", lambda: 4000)
    registry = load_registry(load_config(root / "config", {})["methods"])
    small = dataclasses.replace(registry["harmony"], mem_mb={"base": 100, "values": 10})
    runs = [Run("data", "harmony", seed) for seed in (0, 1)]
    paths = Paths(str(tmp_path))
    assert skip_too_large(runs, {"harmony": small}, paths) == runs, "the size is not known yet"
    (tmp_path / "data/harmony/seed0").mkdir(parents=True)
    (tmp_path / "data/size.json").write_text('{"cells": 200000, "genes": 2000, "batches": 3}')
    (tmp_path / "data/harmony/seed0/embedding.h5ad").touch()
    finished, refused = skip_too_large(runs, {"harmony": small}, paths)
    assert finished == runs[0]
    assert refused.status == "skipped"
    assert "needs about 6,600 MB of memory, this machine has 4,000 MB" in refused.reason
