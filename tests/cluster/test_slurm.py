"""The benchmark on a Slurm cluster: the same results as on one machine, and nothing lost when something goes wrong."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from scbench.integrity import whole

pytestmark = pytest.mark.cluster

NEURAL = ["vae_nb", "cvae_nb", "disentangled_ae", "scdml", "gene_transformer"]
METHODS = ["unintegrated", "harmony", *NEURAL]
FEW_STEPS = {id: {"params": {"max_steps": 10}} for id in ("vae_nb", "cvae_nb", "disentangled_ae")} | {
    "scdml": {"params": {"epochs": 2}},
    "gene_transformer": {"params": {"max_steps": 5, "position": "random"}, "gene_vectors": []},
}
TARGET = "results/summary/summary.tsv"


def config(methods, **more):
    """Return the configuration of a tiny benchmark."""
    return {
        "benchmark": {"datasets": ["small"], "methods": methods, "controls": [], "seeds": [1]},
        "preprocessing": {"n_top_genes": 80, "n_pcs": 10},
        "metrics": {"bio": ["clisi"], "batch": ["ilisi"], "extra": [], "presets": {"robust": NONE}},
        "datasets": {"small": {"simulate": {"n_cells": 150, "n_genes": 100, "n_types": 3, "n_batches": 2}}},
        "methods": more,
    }


NONE = {"bio": [], "batch": [], "extra": []}


def no_half_file(benchmark) -> bool:
    """Whether every embedding is what was written and no file is left of a write that was interrupted."""
    for path in benchmark.results.glob("*/*/seed*/embedding.h5ad"):
        with whole(path):
            pass
    return not [path for path in benchmark.results.rglob(".[0-9]*") if path.is_file()]


def test_seven_methods_score_as_on_one_machine_and_neural_ones_get_a_gpu_each(benchmark):
    benchmark.configure(config(METHODS, **FEW_STEPS))
    assert benchmark.run(TARGET)[0] == 0
    jobs = benchmark.jobs()
    print(jobs.to_string())
    assert set(jobs["state"]) == {"COMPLETED"}
    nodes = jobs.groupby("rule")["node"].unique().map(list).to_dict()
    assert {rule for rule, found in nodes.items() if found == ["g1"]} == {f"integrate_{id}" for id in NEURAL}
    assert {rule for rule, found in nodes.items() if found == ["c1"]} >= {"integrate_harmony", "prepare", "score"}
    assert "summarise" not in nodes, "short jobs over all runs are made where Snakemake runs"
    for id in METHODS:
        log = (benchmark.results / f"logs/small/{id}/seed1/integrate.log").read_text()
        assert bool(re.search(r"(?m)^device: cpu as a stand-in for GPU [01]$", log)) is (id in NEURAL)

    on_slurm = {path: path.read_bytes() for path in benchmark.results.glob("*/*/seed*/scores.tsv")}
    assert len(on_slurm) == len(METHODS)
    benchmark.results.rename(benchmark.folder / "on_slurm")
    local = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", TARGET]
    subprocess.run(local, cwd=benchmark.folder, env=benchmark.environment, check=True, capture_output=True)
    assert {path: path.read_bytes() for path in on_slurm} == on_slurm


def test_jobs_that_slurm_ends_are_named_with_the_cause_and_the_next_start_finishes_them(benchmark):
    methods = {
        "hungry": benchmark.method("hungry", "import time\nheld = b'x' * 1_300_000_000\ntime.sleep(10)"),
        "raises": benchmark.method("raises", "open('raised', 'a').write('x')\nraise ValueError('wrong on every node')"),
        "cancelled": benchmark.method("cancelled", WAITS.format("cancelled")),
        "slow": benchmark.method("slow", WAITS.format("slow"), runtime=1),
    }
    benchmark.configure(config([*methods, "harmony"], **methods))
    process = benchmark.start("--retries", "0", TARGET)
    benchmark.wait_for(lambda: (benchmark.folder / "cancelled_runs").exists())
    subprocess.run(["scancel", *job_of(benchmark, "integrate_cancelled")], check=True)
    assert process.wait(900) != 0
    runs = benchmark.coverage()
    print(runs.to_string())
    assert (runs["status"] == "failed").to_dict() == dict.fromkeys(methods, True) | {"harmony": False}
    causes = {id: runs.loc[id, "reason"].split(": ")[-1] for id in methods}
    wanted = {"hungry": "OUT_OF_MEMORY", "cancelled": "CANCELLED", "slow": "TIMEOUT", "raises": "wrong on every node"}
    assert causes == wanted
    assert no_half_file(benchmark)
    kept = (benchmark.results / "small/harmony/seed1/embedding.h5ad").stat().st_mtime_ns

    for name in ("cancelled", "slow"):
        (benchmark.folder / f"{name}_may_end").touch()
    status, _ = benchmark.run(TARGET)
    print(benchmark.coverage().to_string())
    assert status != 0
    assert (benchmark.coverage()["status"] == "ok").to_dict() == dict.fromkeys(runs.index, True) | {"raises": False}
    states = benchmark.jobs().groupby("rule", sort=False)["state"].agg(list)
    assert states["integrate_hungry"][-1] == "COMPLETED"
    assert len(states["integrate_hungry"]) == 2, "it passes at the second attempt"
    assert (benchmark.folder / "raised").read_text() == "xx", "once at each start"
    assert (benchmark.results / "small/harmony/seed1/embedding.h5ad").stat().st_mtime_ns == kept


WAITS = """
import time
from pathlib import Path
Path("{0}_runs").touch()
while not Path("{0}_may_end").exists():
    time.sleep(0.5)
"""


def job_of(benchmark, rule) -> list[str]:
    """Return the jobs of a rule that were submitted by the execution that was started last."""
    log = max((benchmark.folder / ".snakemake/log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    return re.findall(rf"SLURM jobid (\d+) \(log: \S*/rule_{rule}/", log.read_text())


def lose_power(slurm, node) -> None:
    """Kill the daemons of a node, then all processes of its jobs: nothing is left that could report their end."""
    stepds = subprocess.run(["pgrep", "-x", "slurmstepd"], capture_output=True, text=True).stdout.split()
    pids = [int((slurm / f"{node}.pid").read_text()), *map(int, stepds)]  # no job runs on the other node
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"SLURMD_NODENAME={node}\0".encode() in environ.read_bytes():
                pids.append(int(environ.parent.name))
        except OSError:  # it has ended
            continue
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_a_dead_node_and_a_killed_main_process_lose_nothing(benchmark, slurm):
    methods = {"waits": benchmark.method("waits", WAITS.format("waits"))}
    benchmark.configure(config(["harmony", "waits"], **methods))
    runs = benchmark.folder / "waits_runs"
    scores = benchmark.results / "small/harmony/seed1/scores.tsv"
    process = benchmark.start(TARGET)
    benchmark.wait_for(lambda: runs.exists() and "small: scores of harmony, seed 1 (" in benchmark.printed())
    lose_power(slurm, "c1")
    benchmark.wait_for(lambda: "NODE_FAIL" in benchmark.printed())
    runs.unlink()
    subprocess.run(["slurmd", "-N", "c1"], check=True)
    benchmark.wait_for(runs.exists)  # the second attempt
    process.kill()
    process.wait()
    (benchmark.folder / "waits_may_end").touch()
    kept = scores.stat().st_mtime_ns
    assert no_half_file(benchmark)

    assert benchmark.run(TARGET)[0] != 0, "the folder is locked"
    assert benchmark.run("--unlock")[0] == 0
    assert benchmark.run(TARGET)[0] == 0
    assert set(benchmark.coverage()["status"]) == {"ok"}
    assert scores.stat().st_mtime_ns == kept
    assert pd.read_csv(benchmark.folder / TARGET, sep="\t")["method"].nunique() == 2
