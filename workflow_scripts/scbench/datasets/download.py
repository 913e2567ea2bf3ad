"""Downloads that resume after a dropped connection and are verified at the end."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import requests
import urllib3

from scbench.datasets.addresses import check_address, file_name, shown
from scbench.datasets.content import problem_of

TRIES = 5
PAUSE = 2.0  # seconds before the second attempt; increases with each further attempt
TIMEOUT = 60.0  # seconds without a response
BLOCK = 1 << 20
REMEDY = "run again, correct the url, or fetch the file by hand and give its path"
REPORT_EVERY = 50 << 20  # bytes, if the size is unknown or large


class _Dropped(Exception):
    """The connection was lost or the server was busy; another attempt may succeed."""


def download(
    url: str,
    folder: str | Path,
    sha256: str | None = None,
    report: Callable[[str], None] = print,
    expectation: str = "the configuration expects another; correct the key or the url",
    *,
    private: bool = False,
) -> Path:
    """Download a file (http, https and, if `private`, file) and return its path.

    User names and passwords come from ~/.netrc or the URL; messages hold neither.

    Parameters
    ----------
    folder
        Each file is stored in its own subfolder, named after the URL, so that files of the same name do not collide. An
        existing file with the given `sha256` (if any) is not downloaded again; a partial download is resumed.
    report
        Called with a progress message about every 10 % or 50 MB.
    expectation
        Who expects `sha256`, and the remedy, for the error message.
    private
        Whether the URL and its redirects may lead to a private network, and the URL to a file of this machine.

    Raises
    ------
    ValueError
        If the URL has another scheme or leads to a private address, the server refuses the request, the content does
        not match `sha256`, or it is a web page or incomplete; nothing of it is kept then.
    ConnectionError
        If the server cannot be reached, or the connection is lost repeatedly.
    """
    parts, name = urlsplit(url), file_name(url)
    if not name or parts.scheme not in ("http", "https", "file"):
        raise ValueError(f"url {shown(url)}: must be http, https or file and end in a file name")
    target = Path(folder) / hashlib.sha256(url.encode()).hexdigest()[:12] / name
    if target.exists() and (sha256 is None or digest(target) == sha256):
        report(f"{target}: already there")
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(name + ".part")
    if parts.scheme == "file" and private:
        _copy(url, Path(url2pathname(parts.path)), part)
    else:
        _fetch_with_retries(url, part, report, private)
    found = digest(part) if sha256 else None
    problem = None if sha256 and found == sha256 else problem_of(part)
    if problem is None and found != sha256:
        problem = f"wrong sha256: the file has {found}, {expectation}"
    if problem is not None:
        part.unlink()
        raise ValueError(f"url {shown(url)}: {problem}; the download was deleted, {REMEDY}")
    os.replace(part, target)
    return target


def _copy(url: str, source: Path, part: Path) -> None:
    if not source.is_file():
        raise ValueError(f"url {shown(url)}: there is no file {source}")
    shutil.copyfile(source, part)


class _Session(requests.Session):
    """Checks where redirects lead before it follows them."""

    def __init__(self, private: bool) -> None:
        super().__init__()
        self.private = private

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target:
            check_address(urljoin(resp.url, target), private=self.private)
        return target


def _fetch_with_retries(url: str, part: Path, report: Callable[[str], None], private: bool) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            return _fetch(url, part, report, private)
        except (_Dropped, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if isinstance(error, requests.exceptions.InvalidURL):
                raise ValueError(f"url {shown(url)}: is not a valid url") from None
            reason = error
            if attempt < TRIES:
                report(f"{shown(url)}: try {attempt} of {TRIES} failed ({_short(error)}); trying again")
                time.sleep(PAUSE * attempt)
    kept = f" (it goes on after the {part.stat().st_size / 1e6:.1f} MB in {part})" if part.exists() else ""
    remedy = f"check the network and run again{kept}, or fetch the file by hand and give it as path"
    raise ConnectionError(f"url {shown(url)}: cannot be fetched ({_short(reason)}); {remedy}") from reason


def _fetch(url: str, part: Path, report: Callable[[str], None], private: bool) -> None:
    """Download the missing rest of `part`."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with _Session(private) as session, _answer(session, url, headers) as answer:
        if answer.status_code == 416:
            part.unlink(missing_ok=True)
            raise _Dropped("the partial file does not fit the server's; starting over")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _Dropped(f"the server answered {answer.status_code} {answer.reason}")
        if answer.status_code not in (200, 206):
            raise ValueError(
                f"url {shown(url)}: the server answered {answer.status_code} {answer.reason}; check the url"
            )
        resumed = answer.status_code == 206 and start > 0
        done = start if resumed else 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file:
            _write(answer, file, done, total, lambda line: report(f"{part.name.removesuffix('.part')}: {line}"))
    found = part.stat().st_size
    if total is not None and found != total:
        if found > total:
            part.unlink()
        raise _Dropped(f"{found} of {total} bytes came")


def _answer(session: _Session, url: str, headers: dict[str, str]) -> requests.Response:
    try:
        check_address(url, private=session.private)
        return session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
    except requests.RequestException:
        raise
    except ValueError as error:
        raise ValueError(f"url {shown(url)}: {error}") from None


def _write(answer: requests.Response, file, done: int, total: int | None, report: Callable[[str], None]) -> None:
    step = min(REPORT_EVERY, max(total // 10, 1)) if total else REPORT_EVERY
    if done:
        report(f"going on at {done / 1e6:.1f} MB")
    due = done + step
    for block in answer.raw.stream(BLOCK, decode_content=False):
        file.write(block)
        done += len(block)
        if done >= due:
            report(f"{done / 1e6:.1f} MB" + (f" of {total / 1e6:.1f} MB ({100 * done // total} %)" if total else ""))
            due = done + step


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(error: BaseException) -> str:
    """Return the innermost reason, which requests and urllib3 wrap several times."""
    while isinstance(inner := getattr(error, "reason", None) or next(iter(error.args), None), Exception):
        error = inner
    return re.sub(r"\?\S+", "?...", str(error).rpartition("): ")[2])  # queries may hold tokens
