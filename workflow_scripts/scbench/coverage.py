"""Status of every planned run, determined from the files and logs of the results folder."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scbench.paths import Paths
from scbench.plan import Run

if TYPE_CHECKING:
    import pandas as pd

COVERAGE_COLUMNS = ["dataset", "method", "seed", "status", "reason", "log"]
RUN_RESULTS = ("embedding.h5ad", "scores.tsv")
KILLED = "ended without a result (killed or out of memory?)"


def coverage(runs: Sequence[Run], paths: Paths) -> pd.DataFrame:
    """Return whether each run is ok, failed, skipped or not_run, and why.

    Returns
    -------
    Table of COVERAGE_COLUMNS, one row per run in the given order. A run is ok if embedding and scores exist; its reason
    lists failed metrics. Otherwise the first step without output decides: the run is failed, with the last line of the
    log as its reason, or not_run if there is no log.
    """
    import pandas as pd

    rows = [(run.dataset, run.method, run.seed, *_outcome(run, paths)) for run in runs]
    return pd.DataFrame(rows, columns=COVERAGE_COLUMNS)


def record_coverage(runs: Sequence[Run], paths: Paths) -> None:
    """Write coverage.tsv; called at the end of every workflow execution."""
    from scbench.files import write_table

    write_table(paths.coverage, coverage(runs, paths))


def closing_words(paths: Paths) -> str:
    """Return the failed runs with reasons and logs, or else the overall table, its folders, and what was skipped."""
    import pandas as pd

    table = pd.read_csv(paths.coverage, sep="\t", keep_default_na=False)
    failed = table[table["status"] == "failed"]
    if len(failed):
        lines = [f"{len(failed)} of {len(table)} runs failed; see {paths.coverage}"]
        for run in failed.itertuples():
            lines.append(f"  {run.dataset} {run.method} seed {run.seed}: {run.reason} (log: {run.log})")
        return "\n".join(lines)
    overall = Path(paths.table("overall.md"))
    if not overall.exists():
        return ""
    lines = [overall.read_text(), f"Tables: {paths.results}/tables   Figures: {paths.results}/figures"]
    for reason, methods in table[table["status"] == "skipped"].groupby("reason")["method"]:
        lines.append(f"Skipped: {', '.join(methods.unique())} ({reason})")
    return "\n".join(lines)


def _outcome(run: Run, paths: Paths) -> tuple[str, str, str]:
    """Return status, reason and log of one run."""
    if run.status == "skipped":
        return "skipped", run.reason, ""
    embedding, scores = (Path(paths.run(run.dataset, run.method, run.seed, name)) for name in RUN_RESULTS)
    if embedding.exists() and scores.exists():
        broken = _failed_metrics(scores)
        return "ok", f"metrics that failed: {', '.join(broken)}" if broken else "", ""
    raw, *prepared = (Path(paths.data(run.dataset, name)) for name in ("raw.h5ad", "dataset.h5ad", "truth.tsv.gz"))
    if not all(path.exists() for path in prepared):
        if not raw.exists():
            return _stopped("fetch or simulate", *(paths.log(run.dataset, step) for step in ("fetch", "simulate")))
        return _stopped("prepare", paths.log(run.dataset, "prepare"))
    step = "score" if embedding.exists() else "integrate"
    return _stopped(step, paths.run_log(run.dataset, run.method, run.seed, step))


def _failed_metrics(scores: Path) -> list[str]:
    with scores.open(newline="") as file:
        return [row["metric"] for row in csv.DictReader(file, delimiter="\t") if row["status"] == "failed"]


def _stopped(step: str, *logs: str) -> tuple[str, str, str]:
    """Return why a step has no output, based on the first of its possible logs that exists."""
    for log in map(Path, logs):
        if log.exists():
            lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
            raised = any(line.startswith("Traceback") for line in lines)
            return "failed", lines[-1] if raised else KILLED, str(log)
    return "not_run", f"waits for {step}", ""
