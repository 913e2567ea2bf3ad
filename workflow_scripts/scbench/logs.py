"""The log of a job: everything it prints goes there, and the terminal gets one sentence if it fails."""

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
    """Send stdout and stderr, also those of C libraries, to the log file, line by line.

    Raises
    ------
    SystemExit
        With status 1 in place of any exception: its traceback stands in the log, one line on the original stderr.
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
        ctypes.CDLL(None).fflush(None)  # what C libraries hold back until they exit
