"""Snakemake logger plugin that prints one line per finished job:

    [12/135] sim_balanced: Harmony, seed 1 (3 s); 2 min left

The plugins on PyPI print progress bars on a terminal, or nothing when the output goes to a file. This plugin does not
change a dry run, `--quiet`, `--verbose` or the complete log in .snakemake/log. envs/setup.sh registers it in .venv;
profiles/default selects it if it is available.
"""

import logging
import re
import shlex
import sys
from collections import Counter
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

# Messages that are the same in every execution; the complete log contains them.
HIDDEN = re.compile(
    "Assuming unrestricted shared|Building DAG|Using shell:|Conda environments: ignored|Select jobs to execute|"
    r"SLURM run ID:|Auto-selected partition|Job \d+ has been submitted with SLURM"
)
LOCKED = "Directory cannot be locked"


class LogHandler(LogHandlerBase, logging.StreamHandler):
    """Convert the events of Snakemake to lines."""

    writes_to_stream, writes_to_file, needs_rulegraph = True, False, False
    has_filter = has_formatter = False  # use the filter and formatter of Snakemake, which apply --quiet etc.

    def __post_init__(self) -> None:
        logging.StreamHandler.__init__(self, sys.stdout if self.common_settings.stdout else sys.stderr)
        self.started, self.finished, self.failed = {}, [], 0
        self.left, self.jobs_of, self.seconds_of, self.begin = Counter(), Counter(), Counter(), None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.text(record)
            if text and text != "None":  # a record without message
                self.stream.write(f"{text}\n")
                self.flush()
        except Exception:  # the logger thread must not die
            self.handleError(record)

    def text(self, record: logging.LogRecord) -> str:
        """Return the text that the terminal shows for a record."""
        if self.common_settings.dryrun or self.common_settings.verbose:
            return self.format(record)
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                self.left = Counter(record.stats)
                return f"Jobs to run: {self.left.pop('total')}"
            case LogEvent.JOB_INFO:
                self.begin = self.begin or record.created
                label = record.rule_msg or " ".join([record.rule_name, *map(str, record.wildcards.values())])
                self.started[record.jobid] = (label, record.rule_name, record)
                return ""
            case LogEvent.JOB_FINISHED:
                self.finished.append(record)
                return ""
            case LogEvent.PROGRESS:
                lines = [self.finished_line(job, record) for job in self.finished]
                self.finished.clear()
                return "\n".join(lines)
            case LogEvent.JOB_ERROR if not self.common_settings.show_failed_logs:
                self.failed += 1
                return self.failed_line(record)
            case LogEvent.ERROR if "returned non-zero exit status 1." in record.getMessage():
                return ""  # JOB_ERROR reports jobs that raised an exception; killed jobs are reported here
            case LogEvent.JOB_STARTED | LogEvent.RESOURCES_INFO:
                return ""
            case _ if LOCKED in record.getMessage():
                return locked(sys.argv)
            case None if record.levelno == logging.INFO and HIDDEN.match(record.getMessage()):
                return ""
        return self.format(record)

    def finished_line(self, job: logging.LogRecord, progress: logging.LogRecord) -> str:
        """Return `[done/total] message (time); estimate left`."""
        label, rule, start = self.started.get(job.job_id, (job.getMessage(), "", job))
        seconds = job.created - start.created
        self.left[rule] -= 1
        self.jobs_of[rule] += 1
        self.seconds_of[rule] += seconds
        line = f"[{progress.done}/{progress.total}] {label} ({duration(seconds)})"
        if progress.done < progress.total:
            line += f"; {duration(self.seconds_left(job.created))} left"
        return f"{line}, {self.failed} failed" if self.failed else line

    def seconds_left(self, now: float) -> float:
        """Estimate the time left from the mean time per rule (of all jobs for a new rule) and parallelism so far."""
        mean = self.seconds_of.total() / self.jobs_of.total()
        work = sum(
            max(left, 0) * (self.seconds_of[rule] / self.jobs_of[rule] if self.jobs_of[rule] else mean)
            for rule, left in self.left.items()
        )
        return work * (now - (self.begin or now)) / max(self.seconds_of.total(), 1e-9)

    def failed_line(self, job: logging.LogRecord) -> str:
        """Return the job and the last line of its log."""
        label = self.started[job.jobid][0] if job.jobid in self.started else job.getMessage()
        log = next((file for file in job.log if Path(file).is_file()), None)
        last = Path(log).read_text(errors="replace").split("\n") if log else []
        reason = next((line.strip() for line in reversed(last) if line.strip()), "no log was written")
        status = f"{job.rule_msg} " if job.rule_msg else ""  # set by Slurm: out of memory, out of time
        line = f"FAILED {label}: {status}{reason}" + (f" (log: {log})" if log else "")
        return f"\033[31m{line}\033[0m" if self.stream.isatty() and not self.common_settings.nocolor else line


def locked(arguments: list[str]) -> str:
    """Return why a folder is locked and the command that unlocks it, like the one that was called."""
    first = [sys.executable, "-m", "snakemake"] if Path(arguments[0]).name == "__main__.py" else [arguments[0]]
    command = shlex.join([*first, "--unlock", *arguments[1:]])
    return (
        f"Another Snakemake works in {Path.cwd()}, or one was killed there, for example by a power cut. If none is "
        f"running, unlock the folder and start again; finished files are kept:\n  {command}"
    )


def duration(seconds: float) -> str:
    """Format a duration in seconds, minutes or hours."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"
