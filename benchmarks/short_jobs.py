"""How much time Slurm adds to hundreds of tiny runs: wall time and the sum of their run times (Debian, as root).

    .venv/bin/python benchmarks/short_jobs.py --runs 500

Starts the Slurm of tests/cluster on this machine and makes random embeddings of 80 cells in a clone of the project, in
three ways: with a Slurm job per run, as profiles/slurm does, with four runs in each Slurm job, and without Slurm.
Prints a Markdown table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
SLURM = ROOT / "tests/cluster/slurm.sh"
CLUSTER = ["--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue", "--latency-wait", "10"]
RULE = "integrate_random_embedding"
WAYS = {
    "a Slurm job per run": CLUSTER,
    "four runs in a Slurm job": [*CLUSTER, "--groups", f"{RULE}=short", "--group-components", "short=4"],
    "without Slurm, two cores": ["--cores", "2"],
}


def configuration(runs: int) -> dict:
    return {
        "benchmark": {
            "datasets": ["small"],
            "methods": ["unintegrated"],
            "controls": ["random_embedding"],
            "seeds": list(range(runs)),
        },
        "preprocessing": {"n_top_genes": 40, "n_pcs": 5},
        "datasets": {"small": {"simulate": {"n_cells": 80, "n_genes": 60, "n_types": 3, "n_batches": 2}}},
    }


def snakemake(folder: Path, *options: str) -> None:
    python = Path(sys.executable)
    environment = os.environ | {"PATH": f"{python.parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    on_cpus = ["--configfile", "runs.yaml", "--config", "benchmark={accelerator: cpu}"]
    command = [str(python), "-m", "snakemake", *on_cpus, *options]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=sys.stderr)


def measure(runs: int, options: list[str], jobs: int) -> dict:
    """Run the benchmark once in a clone of the project; return the wall time and the sum of the run times."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        (Path(folder) / "runs.yaml").write_text(yaml.safe_dump(configuration(runs)))
        snakemake(Path(folder), "--cores", "2", "--until", "prepare")
        limit = [] if "--cores" in options else ["--jobs", str(jobs)]
        begin = time.monotonic()
        snakemake(Path(folder), *options, *limit, "--until", RULE)
        wall = time.monotonic() - begin
        records = [json.loads(path.read_text()) for path in Path(folder).glob("results/small/*/seed*/benchmark.jsonl")]
    if len(records) != runs:
        raise RuntimeError(f"{len(records)} of {runs} runs finished")
    return {"runs": runs, "wall (s)": wall, "work (s)": sum(record["s"] for record in records)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=8, help="Slurm jobs in the queue at a time (default: 8)")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    options = parser.parse_args()
    subprocess.run([SLURM, "start"], check=True, stdout=sys.stderr)
    try:
        rows = [{"way": way} | measure(options.runs, WAYS[way], options.jobs) for way in options.ways]
    finally:
        subprocess.run([SLURM, "stop"], check=True, stdout=sys.stderr)
    table = pd.DataFrame(rows)
    table["wall per run (s)"] = table["wall (s)"] / table["runs"]
    table["wall / work"] = table["wall (s)"] / table["work (s)"]
    print(table.round(2).to_markdown(index=False))


if __name__ == "__main__":
    main()
