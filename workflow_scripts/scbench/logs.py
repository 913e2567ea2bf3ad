"""Logs of jobs: all output of a job goes to its log, and the terminal shows one line if the job fails."""

from __future__ import annotations

import ctypes
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def logged(path: str | Path) -> Iterator[None]:
    """Redirect stdout and stderr, including those of C libraries, to the log file, line by line.

    Raises
    ------
    SystemExit
        With status 1 instead of any exception; the traceback is in the log, one line goes to the original stderr.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    streams, failure = (sys.stdout, sys.stderr), None
    _flush()
    terminal = os.dup(1), os.dup(2)
    with path.open("w", buffering=1) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        sys.stdout = sys.stderr = log
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            failure = f"{type(error).__name__}: {' '.join(str(error).split())} (log: {path})"
        finally:
            _flush()
            sys.stdout, sys.stderr = streams
            for number, saved in zip((1, 2), terminal, strict=True):
                os.dup2(saved, number)
                os.close(saved)
    if failure:
        print(failure, file=sys.stderr, flush=True)
        raise SystemExit(1)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).fflush(None)  # C libraries buffer their output until they exit
