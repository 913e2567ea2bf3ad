"""Run time and memory of the runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from scbench.checks import BENCHMARK_FIELDS, check_benchmark
from scbench.integrity import whole

RESOURCE_COLUMNS = ["dataset", "method", "seed", "seconds", "cpu_seconds", "max_rss_mb"]


def resources(benchmarks: Mapping[tuple[str, str, int], str | Path]) -> pd.DataFrame:
    """Read run time and memory from the benchmark.jsonl that Snakemake writes next to each embedding.

    Parameters
    ----------
    benchmarks
        {(dataset, method, seed): file}; missing files give no row.

    Returns
    -------
    Table of RESOURCE_COLUMNS (wall seconds, CPU seconds, peak resident memory in MB), one row per run; values that
    Snakemake could not measure ("NA") are missing.

    Raises
    ------
    BrokenFileError
        If a file cannot be read, or holds other values than numbers of at least 0.
    """
    rows = []
    for run, path in benchmarks.items():
        if Path(path).exists():
            with whole(path, made_here=True):
                record = json.loads(Path(path).read_text().splitlines()[-1])
                check_benchmark(path, record)
            rows.append((*run, *(record[name] for name in BENCHMARK_FIELDS)))
    table = pd.DataFrame(rows, columns=RESOURCE_COLUMNS)
    measured = RESOURCE_COLUMNS[3:]
    table[measured] = table[measured].apply(pd.to_numeric, errors="coerce")
    return table
