"""Status of every planned run, determined from the files and logs of the results folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scbench.logs import INTERRUPTED, is_being_written
from scbench.paths import Paths
from scbench.plan import Run

if TYPE_CHECKING:
    import pandas as pd

COVERAGE_COLUMNS = ["dataset", "method", "seed", "status", "reason", "log"]
RUN_RESULTS = ("embedding.h5ad", "scores.tsv")
GO_ON = "Start again to make only what is missing."
KILLED = "ended without a result (killed or out of memory?)"
SLURM_FAILURE = re.compile(
    r"message: SLURM-job '(?P<job>\d+)' failed.*?SLURM status is: '(?P<status>\w+)'.*?"
    r"\n    log: (?P<logs>.*?)(?: \(check|\n)",
    re.DOTALL,
)
OVER_MEMORY = re.compile(r"exceeded (?:job |step )?memory limit|oom[-_ ]kill|out of memory", re.IGNORECASE)


def coverage(runs: Sequence[Run], paths: Paths, causes: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return whether each run is ok, failed, skipped or not_run, and why.

    Parameters
    ----------
    causes
        {log of a job: why it ended} of jobs that a cluster stopped, see `causes_of_slurm`.

    Returns
    -------
    Table of COVERAGE_COLUMNS, one row per run in the given order. A run is ok if embedding and scores exist and none of
    its files is broken; its reason lists failed metrics. Otherwise the first step without output decides: the run is
    failed, with the last line of the log as its reason, or not_run if there is no log, or if the step is running or was
    interrupted.
    """
    import pandas as pd

    rows = [(run.dataset, run.method, run.seed, *_outcome(run, paths, causes or {})) for run in runs]
    return pd.DataFrame(rows, columns=COVERAGE_COLUMNS)


def end(runs: Sequence[Run], paths: Paths, *, complete: bool, logs: Sequence[str] = ()) -> tuple[str, int]:
    """Write coverage.tsv at the end of a start, and remove the files that were set aside during it.

    Parameters
    ----------
    complete
        Whether all jobs of the start succeeded.
    logs
        Logs of Snakemake, which say why a cluster stopped a job.

    Returns
    -------
    What the terminal shows, see `closing_words`; number of removed files.
    """
    from scbench.files import write_table
    from scbench.integrity import remove_broken

    problems = []
    try:
        _set_broken_scores_aside(runs, paths)
        n_removed = remove_broken(paths.results)
    except OSError as error:
        n_removed = 0
        problems.append(f"Broken files could not be set aside ({error.strerror}: {error.filename})")
    said = [Path(log).read_text(errors="replace") for log in logs if Path(log).is_file()]
    table = coverage(runs, paths, causes_of_slurm("".join(said)))
    try:
        write_table(paths.coverage, table)
    except OSError as error:
        problems.append(f"{paths.coverage} could not be written ({error.strerror}); make room and start again")
    return "\n".join([closing_words(table, paths, complete=complete), *problems]).strip(), n_removed


def causes_of_slurm(text: str) -> dict[str, str]:
    """Return {log of a job: why Slurm ended its last attempt}, given the log of Snakemake with its Slurm executor.

    Where Slurm says only that a job failed, its own log, the last one that Snakemake lists, tells whether it exceeded
    its memory.
    """
    causes = {}
    for failure in SLURM_FAILURE.finditer(text):
        logs = [Path(log) for log in failure["logs"].split(", ")]
        said = logs[-1].read_text(errors="replace") if logs[-1].is_file() else ""
        status = "OUT_OF_MEMORY" if failure["status"] == "FAILED" and OVER_MEMORY.search(said) else failure["status"]
        causes[str(logs[0])] = f"Slurm ended job {failure['job']}: {status}"
    return causes


def _set_broken_scores_aside(runs: Sequence[Run], paths: Paths) -> None:
    """Compare the small files of all runs with their digests, whether or not a job has read them."""
    from scbench.integrity import BrokenFileError, set_aside, whole

    for run in runs:
        for name in ("scores.tsv", "levels.tsv", "by_type.tsv"):
            path = Path(paths.run(run.dataset, run.method, run.seed, name))
            try:
                if path.exists():
                    with whole(path):
                        pass
            except BrokenFileError as error:
                set_aside(error)


def closing_words(table: pd.DataFrame, paths: Paths, *, complete: bool) -> str:
    """Return the failed runs with reasons and logs, or what is left to do, or else the overall table."""
    of_runs = {status: int((table["status"] == status).sum()) for status in ("ok", "failed", "not_run")}
    failed, counts = table[table["status"] == "failed"], f"{of_runs['ok']} of {len(table)} runs are complete"
    if len(failed):
        lines = [f"{len(failed)} of {len(table)} runs failed; see {paths.coverage}"]
        for run in failed.itertuples():
            lines.append(f"  {run.dataset} {run.method} seed {run.seed}: {run.reason} (log: {run.log})")
        left = f", {of_runs['not_run']} not run" if of_runs["not_run"] else ""
        return "\n".join([*lines, f"{counts}{left}. {GO_ON}"])
    if of_runs["not_run"]:
        return "" if complete else f"Not finished: {counts}, {of_runs['not_run']} not run. {GO_ON}"
    if not complete:
        return f"Not finished: {counts}, but another step failed. {GO_ON} Until then, tables and figures may be old."
    overall = Path(paths.table("overall.md"))
    if not overall.exists():
        return ""
    lines = [overall.read_text(), f"Tables: {paths.results}/tables   Figures: {paths.results}/figures"]
    for reason, methods in table[table["status"] == "skipped"].groupby("reason")["method"]:
        lines.append(f"Skipped: {', '.join(methods.unique())} ({reason})")
    return "\n".join(lines)


def _outcome(run: Run, paths: Paths, causes: Mapping[str, str]) -> tuple[str, str, str]:
    """Return status, reason and log of one run."""
    from scbench.integrity import broken_in

    if run.status == "skipped":
        return "skipped", run.reason, ""
    embedding, scores = (Path(paths.run(run.dataset, run.method, run.seed, name)) for name in RUN_RESULTS)
    known = broken_in(embedding.parent)
    if embedding.exists() and scores.exists():
        return ("failed", *known) if known else _scored(scores, (run.dataset, run.method, run.seed))
    raw, *prepared = (Path(paths.data(run.dataset, name)) for name in ("raw.h5ad", "dataset.h5ad", "truth.tsv.gz"))
    known = known or broken_in(raw.parent)
    if known:
        return "failed", *known
    if not all(path.exists() for path in prepared):
        if not raw.exists():
            logs = [paths.log(run.dataset, step) for step in ("fetch", "simulate")]
            return _stopped("fetch or simulate", causes, *logs)
        return _stopped("prepare", causes, paths.log(run.dataset, "prepare"))
    step = "score" if embedding.exists() else "integrate"
    return _stopped(step, causes, paths.run_log(run.dataset, run.method, run.seed, step))


def _scored(path: Path, run: tuple[str, str, int]) -> tuple[str, str, str]:
    """Return the status of a run with scores."""
    from scbench.files import read_scores
    from scbench.types import ContractError

    try:
        scores = read_scores(path, run)
    except ContractError as error:
        return "failed", " ".join(str(error).split()), str(path)
    broken = scores.loc[scores["status"] == "failed", "metric"]
    return "ok", f"metrics that failed: {', '.join(broken)}" if len(broken) else "", ""


def _stopped(step: str, causes: Mapping[str, str], *logs: str) -> tuple[str, str, str]:
    """Return why a step has no output, based on the first of its possible logs that exists."""
    for log in map(Path, logs):
        if not log.exists():
            if str(log) in causes:  # it was stopped before it started
                return "failed", causes[str(log)], str(log)
            continue
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raised = any(line.startswith("Traceback") for line in lines)
        if is_being_written(log):
            return "not_run", f"{step} is running", str(log)
        if raised and lines[-1] == INTERRUPTED:
            return "not_run", f"{step} was {INTERRUPTED}", str(log)
        return "failed", lines[-1] if raised else causes.get(str(log), KILLED), str(log)
    return "not_run", f"waits for {step}", ""
