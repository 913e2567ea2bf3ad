"""Recognise a download that is not the file it should be: a web page, a pointer, an incomplete file."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

from scbench.datasets.safety import TEXT, check_gzip, check_memory, zip_size

BLOCK = 1 << 20
PAGES = (b"<!doctype html", b"<html", b"<?xml")
POINTER = b"version https://git-lfs.github.com"


def problem_of(path: Path) -> str | None:
    """Return what is wrong with a downloaded file, or None.

    The content of .gz and .zip files is unpacked once to compare the checksums that they hold; a HDF5 file is opened,
    which compares its length with the one that it states.
    """
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "the server sent an empty file"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PAGES):
        return "the server sent a web page, not a file"
    if start.startswith(POINTER):
        return "the server sent a pointer of Git LFS, not the file"
    try:
        _unpack(path, start)
    except (EOFError, OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        return f"the file is incomplete or damaged ({error})"
    return None


def _unpack(path: Path, start: bytes) -> None:
    if start.startswith(b"\x1f\x8b"):
        check_gzip(path, TEXT)
        with gzip.open(path) as file:
            while file.read(BLOCK):
                pass
    elif start.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(path) as file:
            check_memory(path, zip_size(file), TEXT)
            if damaged := file.testzip():
                raise ValueError(damaged)
    elif start.startswith(b"\x89HDF"):
        import h5py

        h5py.File(path).close()
