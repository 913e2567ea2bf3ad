"""What became of every planned run, and what it cost: read off the files and logs of the results folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scbench.plan import Run

if TYPE_CHECKING:
    import pandas as pd

COVERAGE_COLUMNS = ["dataset", "method", "seed", "status", "reason", "log"]
RESOURCE_COLUMNS = ["dataset", "method", "seed", "seconds", "cpu_seconds", "max_rss_mb"]
BENCHMARK_FIELDS = ["s", "cpu_time", "max_rss"]
KILLED = "ended without a result (killed or out of memory?)"


def coverage(runs: Sequence[Run], results: str | Path) -> pd.DataFrame:
    """Say for every run whether it is ok, failed, skipped or not_run, and why.

    Returns
    -------
    Table of COVERAGE_COLUMNS, one row per run in the order given. ok: embedding and scores exist, and the reason names
    failed metrics. Otherwise the first step without its output decides: failed with the last line of its log, or
    not_run when it has no log.
    """
    import pandas as pd

    rows = [(run.dataset, run.method, run.seed, *_outcome(run, Path(results))) for run in runs]
    return pd.DataFrame(rows, columns=COVERAGE_COLUMNS)


def resources(runs: Sequence[Run], results: str | Path) -> pd.DataFrame:
    """Read what the runs cost from Snakemake's benchmark.jsonl beside each embedding.

    Returns
    -------
    Table of RESOURCE_COLUMNS (wall seconds, CPU seconds, peak resident memory in MB), one row per run that has such a
    file; what Snakemake could not measure ("NA") is missing.
    """
    import pandas as pd

    rows = []
    for run in runs:
        path = run.folder(results) / "benchmark.jsonl"
        if path.exists():
            record = json.loads(path.read_text().splitlines()[-1])
            rows.append((run.dataset, run.method, run.seed, *(record[name] for name in BENCHMARK_FIELDS)))
    table = pd.DataFrame(rows, columns=RESOURCE_COLUMNS)
    measured = RESOURCE_COLUMNS[3:]
    table[measured] = table[measured].apply(pd.to_numeric, errors="coerce")
    return table


def _outcome(run: Run, results: Path) -> tuple[str, str, str]:
    """Return status, reason and log of one run."""
    if run.status == "skipped":
        return "skipped", run.reason, ""
    folder, data = run.folder(results), results / run.dataset
    if (folder / "embedding.h5ad").exists() and (folder / "scores.tsv").exists():
        broken = _failed_metrics(folder / "scores.tsv")
        return "ok", f"metrics that failed: {', '.join(broken)}" if broken else "", ""
    data_logs = results / "logs" / run.dataset
    run_logs = data_logs / run.method / f"seed{run.seed}"
    if not ((data / "dataset.h5ad").exists() and (data / "truth.tsv.gz").exists()):
        if not (data / "raw.h5ad").exists():
            return _stopped("fetch or simulate", data_logs / "fetch.log", data_logs / "simulate.log")
        return _stopped("prepare", data_logs / "prepare.log")
    if not (folder / "embedding.h5ad").exists():
        return _stopped("integrate", run_logs / "integrate.log")
    return _stopped("score", run_logs / "score.log")


def _failed_metrics(scores: Path) -> list[str]:
    with scores.open(newline="") as file:
        return [row["metric"] for row in csv.DictReader(file, delimiter="\t") if row["status"] == "failed"]


def _stopped(step: str, *logs: Path) -> tuple[str, str, str]:
    """Say why a step has no output, from the first of its possible logs that exists."""
    for log in logs:
        if log.exists():
            lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
            raised = any(line.startswith("Traceback") for line in lines)
            return "failed", lines[-1] if raised else KILLED, str(log)
    return "not_run", f"waits for {step}", ""
