"""Tabulate time and peak memory of every step of a results folder against the number of cells, with log-log slopes.

    make scaling
    .venv/bin/python benchmarks/scaling.py results/scaling

Reads the records that Snakemake writes beside the output of each job. Slopes are those of least squares through the
logarithms of the medians over runs of datasets of at least --from cells: 1 means proportional to the number of cells.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

STEPS_OF_DATASETS = ("simulate", "prepare")
STEPS_OF_RUNS = ("score", "project")
MEASURED = {"s": "seconds", "cpu_time": "cpu_seconds", "max_rss": "max_rss_mb"}


def records(results: Path):
    """Return a table with step, cells, seconds, cpu_seconds and max_rss_mb, one row per job."""
    import pandas as pd

    from scbench.files import read_dataset

    rows = []
    for dataset in sorted(path.parent for path in results.glob("*/dataset.h5ad")):
        cells = read_dataset(dataset / "dataset.h5ad").n_obs
        files = {name: [dataset / f"{name}.benchmark.jsonl"] for name in STEPS_OF_DATASETS}
        files |= {name: sorted(dataset.glob(f"*/seed*/{name}.benchmark.jsonl")) for name in STEPS_OF_RUNS}
        for run in sorted(dataset.glob("*/seed*/benchmark.jsonl")):
            files.setdefault(run.parts[-3], []).append(run)
        for step, paths in files.items():
            for path in filter(Path.exists, paths):
                record = json.loads(path.read_text().splitlines()[-1])
                rows.append((step, cells, *(record[name] for name in MEASURED)))
    table = pd.DataFrame(rows, columns=["step", "cells", *MEASURED.values()])
    table[list(MEASURED.values())] = table[list(MEASURED.values())].apply(pd.to_numeric, errors="coerce")
    return table


def slopes(table, first: int):
    """Return the log-log slope of every measured column over cells, from `first` cells on, one row per step."""
    import numpy as np

    large = table[table["cells"] >= first]
    medians = large.groupby(["step", "cells"])[list(MEASURED.values())].median().where(lambda values: values > 0)

    def slope(values):
        known = values.dropna()
        cells = known.index.get_level_values("cells")
        return np.polyfit(np.log(cells), np.log(known), 1)[0] if len(known) > 1 else np.nan

    return medians.groupby("step").agg(slope)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results folder of the workflow")
    parser.add_argument("--from", dest="first", type=int, default=10_000, help="smallest number of cells of the slopes")
    arguments = parser.parse_args()
    table = records(arguments.results)
    if not len(table):
        sys.exit(f"{arguments.results} has no records of jobs; run snakemake --configfile config/scaling.yaml first")
    steep = slopes(table, arguments.first)
    order = list(dict.fromkeys(table["step"]))
    for column, title in zip(MEASURED.values(), ("wall time (s)", "CPU time (s)", "peak memory (MB)"), strict=True):
        wide = table.pivot_table(index="step", columns="cells", values=column, aggfunc="median").reindex(order)
        if not wide.isna().all(axis=None):
            wide["slope"] = steep[column].reindex(order)
            wide = wide.astype(object).where(wide.notna(), None)
            print(f"\n{title}\n\n{wide.to_markdown(floatfmt='.2f', missingval='-')}")


if __name__ == "__main__":
    main()
