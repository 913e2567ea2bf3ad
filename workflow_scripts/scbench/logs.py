"""Logs of jobs: all output of a job goes to its log, and the terminal shows one line if the job fails."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scbench.integrity import BrokenFileError, set_aside
from scbench.resources import is_mendable, too_large

INTERRUPTED = "interrupted; the next start runs it again"


@contextmanager
def logged(path: str | Path, resources: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Redirect stdout and stderr, including those of C libraries, to the log file, line by line.

    A file of the results that turns out to be broken is set aside.

    Parameters
    ----------
    resources
        Resources of the job. The job does not start if its `mem_mb` is above the memory of this machine, or if its
        previous `attempt` raised an exception that neither more memory nor more time would mend.

    Raises
    ------
    SystemExit
        With status 1 instead of any exception; the traceback is in the log, and the error in one line is the last line
        of the log and of the original stderr.
    """
    path, resources = Path(path), resources or {}
    path.parent.mkdir(parents=True, exist_ok=True)
    kept, attempt = path.with_name(f".{path.name}"), resources.get("attempt", 0)
    if attempt == 1:
        kept.unlink(missing_ok=True)
    _refuse(path, kept, attempt, resources.get("mem_mb", 0))
    streams, failure = (sys.stdout, sys.stderr), None
    _flush()
    terminal = os.dup(1), os.dup(2)
    with path.open("w", buffering=1) as log:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        sys.stdout = sys.stderr = log
        try:
            yield
        except BaseException as error:
            traceback.print_exc()
            failure = _sentence(error)
            print(f"\n{failure}")
            if attempt and isinstance(error, Exception) and not is_mendable(error):
                kept.write_text(path.read_text())  # Snakemake removes the log itself before the next attempt
        finally:
            _flush()
            sys.stdout, sys.stderr = streams
            for number, saved in zip((1, 2), terminal, strict=True):
                os.dup2(saved, number)
                os.close(saved)
    if failure:
        print(f"{failure} (log: {path})", file=sys.stderr, flush=True)
        raise SystemExit(1)


def is_being_written(path: str | Path) -> bool:
    """Return whether the job of a log is running; on another machine, this needs a file system with shared locks."""
    with suppress(OSError), Path(path).open() as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _sentence(error: BaseException) -> str:
    """Return an error in one line; a file that the next start can make again is set aside."""
    text = " ".join(str(error).split())
    if os.strerror(errno.ENOSPC) in text:  # some libraries hide it in messages of their own
        text = "the disk is full; make room and start again"
    if isinstance(error, BrokenFileError):
        text = set_aside(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return f"the code called exit({error.code!r}) before the result was written"
    return f"{type(error).__name__}: {text}"


def _refuse(path: Path, kept: Path, attempt: int, mem_mb: Any) -> None:
    """Exit with status 1 where a job would fail anyway; the log then says why."""
    if attempt > 1:
        text = kept.read_text() if kept.exists() else ""
    else:
        text = too_large(mem_mb) if isinstance(mem_mb, int) else ""
    if text:
        path.write_text(text.rstrip() + "\n")
        print(f"{text.rstrip().splitlines()[-1]} (log: {path})", file=sys.stderr, flush=True)
        raise SystemExit(1)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).fflush(None)  # C libraries buffer their output until they exit
