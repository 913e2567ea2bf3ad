"""Fit the memory and run time that jobs ask for to records of runs, and compare what they ask for with what they used.

    .venv/bin/python benchmarks/resources.py fit results/small results/large
    .venv/bin/python benchmarks/resources.py table results/small results/large

`fit` prints coefficients for config/methods.yaml (methods) and `resources` of config/config.yaml (other jobs); it needs
datasets of different sizes. Runs with fewer steps than usual tell the memory of a method, but not its run time.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from scbench.config import load_config
from scbench.registry import load_registry
from scbench.resources import SNAKEMAKE_MB, Size, estimate, memory_mb, read_size, runtime_minutes

# {file of a run: its key in `resources`}; the run itself is benchmark.jsonl.
JOBS = {
    "score.benchmark.jsonl": "score",
    "cell_scores.benchmark.jsonl": "cell_scores",
    "project.benchmark.jsonl": "project",
    "export_run.benchmark.jsonl": "export_run",
}
TERMS = ("base", "cells", "values", "batches")
CONFIG = load_config(Path(__file__).parents[1] / "config", {})
REGISTRY = load_registry(CONFIG["methods"])


def records(folders: Iterable[Path]) -> pd.DataFrame:
    """Return job, size, used MB and used minutes of the processor of all jobs of runs that were sampled."""
    rows = []
    for folder in folders:
        for path in sorted(folder.glob("*/*/seed*/*benchmark.jsonl")):
            method, size = path.parts[-3], read_size(path.parents[2] / "size.json")
            job = JOBS.get(path.name) or (method if path.name == "benchmark.jsonl" else "analyses")
            record = json.loads(path.read_text().splitlines()[-1])
            if isinstance(record["max_rss"], float) and size.cells and (job in REGISTRY or job in CONFIG["resources"]):
                rows.append((job, size, record["max_rss"], record["cpu_time"] / 60))
    return pd.DataFrame(rows, columns=["job", "size", "mb", "minutes"])


def fit(sizes: Iterable[Size], used: np.ndarray, digits: int) -> dict[str, float]:
    """Return non-negative coefficients of `scbench.resources.estimate` that are never below what was used.

    The relative error is minimised. Only terms that vary independently in the records get a coefficient, the simpler
    ones first.
    """
    sizes = list(sizes)
    columns: dict[str, np.ndarray] = {}
    for term in ("base", "values", "cells", "batches"):
        column = np.array([estimate({term: 1.0}, size) for size in sizes])
        if np.linalg.matrix_rank(np.column_stack([*columns.values(), column]), tol=1e-6) > len(columns):
            columns[term] = column
    matrix = np.column_stack(list(columns.values()))
    found, _ = nnls(matrix / used[:, None], np.ones(len(used)))
    found *= max(1.0, (used / (matrix @ found)).max())
    rounded = {
        term: float(np.ceil(value * 10**digits) / 10**digits) for term, value in zip(columns, found, strict=True)
    }
    return {term: rounded[term] for term in TERMS if rounded.get(term)}


def coefficients(table: pd.DataFrame) -> str:
    """Return the fitted coefficients of every job as lines of YAML."""
    lines = []
    for job, rows in table.groupby("job", sort=False):
        largest = rows.groupby("size", sort=False)[["mb", "minutes"]].max()
        for key, column, digits in (("mem_mb", "mb", 1), ("runtime", "minutes", 3)):
            amount = fit(largest.index, largest[column].to_numpy(float), digits)
            text = ", ".join(f"{term}: {value:g}" for term, value in amount.items())
            lines.append(f"{job}: {{{key}: {{{text}}}}}")
    return "\n".join(lines)


def comparison(table: pd.DataFrame) -> pd.DataFrame:
    """Return what jobs of every kind and size ask for at their first attempt and the most they used.

    `used_mb` is that of the job alone; the ratio counts the processes of Snakemake around it, too.
    """
    rows = []
    for (job, size), used in table.groupby(["job", "size"], sort=False):
        entry = CONFIG["resources"].get(job) or {"mem_mb": REGISTRY[job].mem_mb, "runtime": REGISTRY[job].runtime}
        mb, minutes = memory_mb(entry["mem_mb"], size), runtime_minutes(entry["runtime"], size)
        used_mb = used["mb"].max()
        ratio = mb / (used_mb + SNAKEMAKE_MB)
        rows.append((job, size.cells, size.genes, used_mb, mb, ratio, used["minutes"].max(), minutes))
    columns = ["job", "cells", "genes", "used_mb", "asked_mb", "ratio", "used_min", "asked_min"]
    return pd.DataFrame(rows, columns=columns).round(1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["fit", "table"])
    parser.add_argument("results", type=Path, nargs="+", help="results folders")
    options = parser.parse_args(arguments)
    table = records(options.results)
    print(coefficients(table) if options.step == "fit" else comparison(table).to_markdown(index=False))


if __name__ == "__main__":
    main()
