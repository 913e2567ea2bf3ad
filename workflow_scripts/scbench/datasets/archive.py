"""Unpack .tar.gz, .tar and .zip archives into a temporary folder."""

from __future__ import annotations

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def is_archive(path: Path) -> bool:
    """Return whether the content of a file is a tar archive, compressed or not, or a zip archive."""
    return path.is_file() and (zipfile.is_zipfile(path) or _is_tar(path))


def _is_tar(path: Path) -> bool:
    named = path.name.lower().endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"))
    return named or tarfile.is_tarfile(path)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield a temporary folder with the content of an archive; TMPDIR says where.

    Raises
    ------
    ValueError
        If the archive is incomplete, damaged, or holds names or links that lead out of the folder.
    """
    with tempfile.TemporaryDirectory(prefix="scbench-") as name:
        try:
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as zipped:
                    zipped.extractall(name)
            else:
                with tarfile.open(path) as tarred:
                    tarred.extractall(name, filter="data")
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, OSError) as error:
            raise ValueError(f"{path}: cannot be unpacked ({error}); fetch it again") from error
        yield Path(name)
