"""Unpack .tar.gz, .tar and .zip archives into a temporary folder."""

from __future__ import annotations

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scbench.datasets.safety import check_disk, zip_size


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
        If the archive is incomplete or damaged, unpacks to more than is free in the folder, or holds names or links
        that lead out of the folder.
    """
    with tempfile.TemporaryDirectory(prefix="scbench-") as name:
        try:
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as zipped:
                    check_disk(path, zip_size(zipped), name)
                    zipped.extractall(name)
            else:
                with tarfile.open(path) as tarred:
                    _extract(tarred, path, name)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, OSError) as error:
            raise ValueError(f"{path}: cannot be unpacked ({error}); fetch it again") from error
        yield Path(name)


def _extract(tarred: tarfile.TarFile, path: Path, folder: str) -> None:
    """Extract file by file, because the sizes of all are known only after the whole archive was read."""
    for entry in tarred:
        check_disk(path, entry.size, folder)
        tarred.extract(entry, folder, filter="data")
