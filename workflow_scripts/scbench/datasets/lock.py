"""The lock file: checksums recorded at the first download of a URL and enforced at every later one."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

from scbench.datasets.addresses import shown
from scbench.datasets.download import digest, download


def download_locked(
    url: str,
    folder: str | Path,
    lock: str | Path,
    sha256: str | None = None,
    report: Callable[[str], None] = print,
    *,
    private: bool = False,
) -> Path:
    """Download a file, check it against its known checksum, or record the checksum in the lock file.

    Parameters
    ----------
    lock
        Lines of checksum, two spaces and URL, as written by `sha256sum`; made if it does not exist.
    sha256
        Checksum from the configuration, which takes precedence over the lock file.
    private
        See `scbench.datasets.download.download`.

    Raises
    ------
    ValueError, ConnectionError
        As `scbench.datasets.download.download`; also if the content is not that of the first download.
    """
    if sha256 is not None:
        expectation = f"the configuration says {sha256}; correct the key or the url"
        return download(url, folder, sha256, report, expectation, private=private)
    known = read_lock(lock).get(shown(url))
    if known is not None:
        remedy = f"to accept the new content, remove the line of this url from {lock}"
        expectation = f"{lock} says {known} since the first download; {remedy}"
        return download(url, folder, known, report, expectation, private=private)
    path = download(url, folder, report=report, private=private)
    _record(lock, shown(url), digest(path))
    report(f"{lock}: checksum of {path.name} recorded")
    return path


def read_lock(lock: str | Path) -> dict[str, str]:
    """Return {url: checksum}; empty if there is no lock file.

    Raises
    ------
    ValueError
        If a line is not a checksum and a URL, or a URL stands twice with different checksums.
    """
    found: dict[str, str] = {}
    lines = Path(lock).read_text(encoding="utf-8").splitlines() if Path(lock).exists() else []
    for number, line in enumerate(lines, start=1):
        sha256, _, url = line.partition("  ")
        if len(sha256) != 64 or not url:
            raise ValueError(f"{lock}: line {number} is not a checksum, two spaces and a URL; correct or remove it")
        if found.setdefault(url, sha256) != sha256:
            raise ValueError(f"{lock}: line {number} gives {url} a second checksum; remove one of the two lines")
    return found


def forget(url: str, lock: str | Path) -> None:
    """Remove the checksum of a URL."""
    with Path(lock).open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        kept = [line for line in file if line.rstrip("\n").partition("  ")[2] != shown(url)]
        file.seek(0)
        file.writelines(kept)
        file.truncate()


def _record(lock: str | Path, url: str, sha256: str) -> None:
    """Append a line; jobs that run at the same time append theirs one after the other."""
    Path(lock).parent.mkdir(parents=True, exist_ok=True)
    with Path(lock).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if url not in read_lock(lock):
            file.write(f"{sha256}  {url}\n")
