"""However often a benchmark is killed, what it has made in the end is what an undisturbed one makes, byte for byte.

`make test-kills` kills the whole process group of a tiny benchmark 200 times at random times; SCBENCH_TEST_KILLS is the
number of kills, and without it the test is skipped.
"""

import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

KILLS = int(os.environ.get("SCBENCH_TEST_KILLS", "0"))
TARGETS = ("results/summary/summary.tsv", "results/tables/overall.md")
CONFIG = {
    "benchmark": {"datasets": ["small"], "methods": ["unintegrated", "vae_nb"], "controls": ["random_embedding"]},
    "preprocessing": {"n_top_genes": 40, "n_pcs": 5},
    "metrics": {"bio": ["clisi"], "batch": ["ilisi"], "extra": []},
    "methods": {"vae_nb": {"params": {"epochs": 60}}},
    "datasets": {"small": {"simulate": {"n_cells": 80, "n_genes": 60, "n_types": 3, "n_batches": 2}}},
}
CONFIG["benchmark"]["seeds"] = [0]
CONFIG["metrics"]["presets"] = {"robust": {"bio": [], "batch": [], "extra": []}}
MEASURED = ("benchmark.jsonl", "resources.tsv", "coverage.tsv", ".log", "config.yaml")  # times, not results


def contents(results) -> dict[str, bytes]:
    """{file: content} of everything a benchmark makes, apart from times."""
    files = [path for path in results.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(results)): path.read_bytes() for path in files if not path.name.endswith(MEASURED)}


@pytest.mark.skipif(not KILLS, reason="SCBENCH_TEST_KILLS is not set")
def test_a_benchmark_killed_at_random_times_makes_the_same_bytes_as_an_undisturbed_one(project):
    """A round is a benchmark from its start to its end, however many kills that takes; a finished one begins anew."""
    training = project.folder / "workflow_scripts/scbench/neural/training.py"
    seldom = "checkpoint_seconds: float = 60.0"
    assert seldom in training.read_text()
    training.write_text(training.read_text().replace(seldom, "checkpoint_seconds: float = 0.0"))
    project.configure(CONFIG)
    command = (*TARGETS, "--nolock", "--configfile", "tiny.yaml")

    begin = time.monotonic()
    calm = project.snakemake(*command)
    longest = time.monotonic() - begin
    assert calm.returncode == 0, calm.stdout + calm.stderr
    wanted = contents(project.results)
    assert {"small/vae_nb/seed0/model.pt", "small/vae_nb/seed0/embedding.h5ad", "tables/overall.md"} <= set(wanted)
    shutil.rmtree(project.results)

    random, killed, rounds, resumed = np.random.default_rng(0), 0, 0, 0
    while killed < KILLS:
        process = project.start(*command)
        try:
            assert process.wait(random.uniform(0, longest / 2)) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
            log = project.results / "logs/small/vae_nb/seed0/integrate.log"
            resumed += log.exists() and "resumed after epoch" in log.read_text()
            print(f"kill {killed}: round {rounds + 1}, {len(contents(project.results))} files", flush=True)
        else:
            assert contents(project.results) == wanted
            shutil.rmtree(project.results)
            rounds += 1
    calm = project.snakemake(*command)
    assert calm.returncode == 0, calm.stdout + calm.stderr
    assert contents(project.results) == wanted
    print(f"{killed} kills, {rounds + 1} finished benchmarks, {resumed} kills after a resumed training")
