"""A termination that cannot hang the workflow."""

from __future__ import annotations

import signal
from threading import Thread


def stop_in_thread() -> None:
    """Handle a termination, and a hangup like one, in a thread of its own.

    The handler of Snakemake 9.27 waits for the lock of the scheduler. It runs in the main thread, which holds this lock
    while it deals with jobs that ended, so that both may wait forever.
    """
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop):
        return

    def start(*arguments) -> None:
        Thread(target=stop, args=arguments).start()

    signal.signal(signal.SIGTERM, start)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # not under nohup
        signal.signal(signal.SIGHUP, start)
