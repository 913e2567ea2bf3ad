"""Refuse files that lead to other files, run code or would fill memory or disk, before their content is read."""

from __future__ import annotations

import gzip
import json
import math
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import h5py

BLOCK = 1 << 20
SPARE = 1 << 30  # bytes of a disk that an archive must leave free
TEXT = 4  # times the memory: a text table is read line by line and becomes smaller
BYTES_PER_ENTRY = 24  # of a Matrix Market file, while it is read
METADATA = (".zarray", ".zmetadata", "zarr.json")
CODECS = ("filters", "compressor", "codecs")


class UnsafeError(ValueError):
    """A file that is refused for what it claims or for where it leads."""


def memory() -> int:
    """Return the memory of this machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_memory(path: str | Path, needed: float, times: int = 1) -> None:
    """Raise UnsafeError if a file claims or unpacks to more bytes than `times` the memory of this machine."""
    if needed > times * memory():
        limit = f"{times} times the" if times > 1 else "the"
        raise UnsafeError(
            f"{path}: unpacks to {needed / 1e9:,.0f} GB or more, above the limit of {limit} {memory() / 1e9:,.0f} GB "
            "of memory of this machine; check the file, or use a machine with more memory"
        )


def check_gzip(path: Path, times: int = 1) -> None:
    """Raise UnsafeError if the content of a .gz file is above a limit; see `check_memory`. Other files pass."""
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return
    done = 0
    try:
        with gzip.open(path) as file:
            while block := file.read(BLOCK):
                done += len(block)
                if done > times * memory():
                    break
    except (OSError, EOFError, zlib.error):
        return  # whoever reads the file says what is wrong with it
    check_memory(path, done, times)


def check_disk(path: Path, needed: int, folder: str | Path) -> None:
    """Raise UnsafeError if an archive unpacks to more bytes than are free in a folder."""
    free = shutil.disk_usage(folder).free - SPARE
    if needed > free:
        raise UnsafeError(
            f"{path}: unpacks to {needed / 1e9:,.1f} GB or more, but the limit is {max(free, 0) / 1e9:,.1f} GB, what "
            f"is free in {Path(folder).parent} less 1 GB; check the file, or set TMPDIR to a larger folder"
        )


def zip_size(file: zipfile.ZipFile) -> int:
    """Return to how many bytes the files of an archive unpack; Python unpacks no more than an archive states."""
    return sum(entry.file_size for entry in file.infolist())


def problem_of_hdf5(file: h5py.File) -> str:
    """Return how an HDF5 file leads to other files (links, storage, virtual datasets); empty if it does not."""
    import h5py

    inside = (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT)
    link = file.id.links.visit(lambda name, info: None if info.type in inside else name, info=True)
    if link is not None:
        return f"has a link to another file ({_text(link)}); write the data into the file itself"

    def outside(name: str, item: Any) -> str | None:
        if not isinstance(item, h5py.Dataset):
            return None
        settings = item.id.get_create_plist()
        return name if settings.get_external_count() or settings.get_layout() == h5py.h5d.VIRTUAL else None

    found = file.visititems(outside)
    return f"keeps {found} in another file; write the data into the file itself" if found is not None else ""


def check_hdf5_size(path: Path, file: h5py.File) -> None:
    """Raise UnsafeError if the arrays of an HDF5 file are larger than the memory; see `check_memory`."""
    import h5py

    sizes = []
    file.visititems(
        lambda _, item: sizes.append(item.nbytes) if isinstance(item, h5py.Dataset) and item.shape else None
    )
    check_memory(path, sum(sizes))


def check_zarr(store: Path) -> None:
    """Refuse a .zarr whose arrays are larger than the memory, or whose values are Python objects that run code.

    Raises
    ------
    UnsafeError
        With the file and the problem.
    """
    sizes = dict.fromkeys(METADATA, 0.0)
    for path in sorted(file for name in METADATA for file in store.rglob(name)):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            continue  # whoever reads the store says so
        for entry in _mappings(content):
            if any("pickle" in json.dumps(entry[key]).lower() for key in CODECS if key in entry):
                raise UnsafeError(f"{path}: holds pickled Python objects, which can run code; write the .zarr again")
            sizes[path.name] += _claimed(entry)
    check_memory(store, max(sizes.values()))


def _mappings(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(inner)


def _claimed(entry: dict) -> float:
    """Return the bytes of an array according to its metadata; 0 if it is none."""
    import numpy as np

    shape, kind = entry.get("shape"), entry.get("dtype", entry.get("data_type"))
    if not isinstance(shape, list) or kind is None:
        return 0
    try:
        width = np.dtype(kind).itemsize
    except TypeError:  # text and other kinds that numpy does not know
        width = 1
    return width * math.prod(map(float, shape))


def _text(name: bytes | str) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
