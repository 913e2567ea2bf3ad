"""Check the local sources of datasets before any job: what `fetch` would refuse, as far as a glimpse tells."""

from __future__ import annotations

import gzip
import os
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scbench.datasets.content import PAGES, POINTER
from scbench.datasets.formats import TEXT_SUFFIXES, ZARR, plain_suffix, separator
from scbench.datasets.safety import problem_of_hdf5
from scbench.paths import is_url

DAMAGED = (
    *(OSError, EOFError, LookupError, TypeError, RuntimeError, ValueError, zlib.error),
    *(tarfile.TarError, zipfile.BadZipFile),
)
LONGEST_LINE = 50_000_000  # bytes of the first line of a text table


def check_sources(datasets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each dataset whose file cannot be used; simulated datasets and URLs have none."""
    problems = []
    for name, settings in datasets.items():
        if "path" in settings:
            try:
                check_source(settings)
            except ValueError as error:
                problems.append(f"datasets.{name}: {error}")
    return problems


def check_source(settings: Mapping[str, Any]) -> None:
    """Check the files of one dataset.

    Raises
    ------
    ValueError
        With the file, the problem and a remedy.
    """
    import pandas as pd

    path, metadata = Path(settings["path"]), settings.get("metadata")
    table = None
    if metadata is not None and not is_url(metadata):
        _check_readable(Path(metadata), "metadata")
        with _as_sentence(metadata, "a readable table of cells"):
            table = pd.read_csv(metadata, sep=separator(Path(metadata)), dtype=str, nrows=1000)
        _check_columns(table, metadata, settings, partial=True)
    _check_readable(path, "path")
    if path.is_dir():
        _check_folder(path)
        return
    with path.open("rb") as file:
        start = file.read(512)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PAGES):
        raise ValueError(f"{path}: is a web page, not a file with cells; download it again")
    if start.startswith(POINTER):
        raise ValueError(f"{path}: is a pointer of Git LFS; get the file itself with git lfs pull")
    if start.startswith(b"\x89HDF"):
        with suppress(ImportError):  # the environment that Snakemake runs in may lack h5py; the job checks it, too
            _check_hdf5(path, settings, has_metadata=metadata is not None)
    elif plain_suffix(path) in (".h5ad", ".h5"):
        raise ValueError(f"{path}: is not an HDF5 file; it may be incomplete or an error page, fetch it again")
    elif plain_suffix(path) in TEXT_SUFFIXES:
        _check_text(path, has_metadata=metadata is not None)
    elif path.name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz")):
        opened = zipfile.ZipFile if path.suffix.lower() == ".zip" else tarfile.open
        with _as_sentence(path, "a readable archive"), opened(path):
            pass


@contextmanager
def _as_sentence(path: str | Path, what: str) -> Iterator[None]:
    """Turn whatever a library raises for a damaged file into a sentence."""
    try:
        yield
    except DAMAGED as error:
        if str(error).startswith(str(path)):
            raise
        words = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: is not {what} ({words}); write or fetch it again") from error


def _check_readable(path: Path, key: str) -> None:
    if not path.exists():
        raise ValueError(f"{path}: does not exist; check the {key}")
    if not os.access(path, os.R_OK):
        raise ValueError(f"{path}: cannot be read; check its permissions")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{path}: is empty; write or fetch it again")


def _check_folder(path: Path) -> None:
    with suppress(StopIteration):
        next(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
        if path.suffix == ".zarr" and not any((path / name).exists() for name in ZARR):
            raise ValueError(f"{path}: holds no {' or '.join(ZARR)}, so it is no .zarr; write it again")
        return
    raise ValueError(f"{path}: is an empty folder; check the path")


def _check_text(path: Path, *, has_metadata: bool) -> None:
    if not has_metadata:
        raise ValueError(f"{path}: holds no batches; name a table of its cells under the key metadata")
    with _as_sentence(path, "a readable text table"):
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            lines = [file.readline(LONGEST_LINE) for _ in range(2)]
        mark = separator(path)
        header, first = (line.decode("utf-8").rstrip("\r\n").split(mark) for line in lines)
    if len(header) < 2 or len(first) < 2:
        raise ValueError(f"{path}: needs genes x cells but holds no values; columns must be separated by {mark!r}")


def _check_hdf5(path: Path, settings: Mapping[str, Any], *, has_metadata: bool) -> None:
    import h5py

    from scbench.datasets.hdf5 import Glimpse

    with _as_sentence(path, "a readable .h5ad or 10x .h5 file"), h5py.File(path) as file:
        if problem := problem_of_hdf5(file):
            raise ValueError(f"{path}: {problem}")
        if "obs" not in file:
            if "matrix" not in file and not any(
                isinstance(part, h5py.Group) and "barcodes" in part for part in file.values()
            ):
                raise ValueError(
                    f"{path}: is neither a .h5ad nor a 10x .h5 file; it holds {', '.join(file) or 'nothing'}"
                )
            if not has_metadata:
                raise ValueError(f"{path}: holds no batches; name a table of its cells under the key metadata")
            return
        glimpse = Glimpse.of(path, file)
        if not has_metadata:
            wanted = [name for name in _keys(settings).values() if name in glimpse.columns]
            obs = glimpse.obs(list(dict.fromkeys(wanted))).reindex(columns=wanted)
            _check_columns(obs, path, settings, partial=len(obs) < glimpse.n_cells, known=glimpse.columns)
        _check_counts(glimpse, settings)


def _keys(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return {key or key with a number: column} of the keys that name columns."""
    labels = settings.get("label_key")
    levels = labels if isinstance(labels, list) else [labels]
    found = {key: settings.get(key) for key in ("batch_key", "condition_key", "pseudotime_key")}
    found |= {f"label_key {place}": name for place, name in enumerate(levels)}
    return {key: name for key, name in found.items() if name is not None}


def _check_columns(
    obs: Any, source: str | Path, settings: Mapping[str, Any], *, partial: bool, known: Collection[str] | None = None
) -> None:
    """Check the columns of some or all cells; `known` are all columns, if `obs` has only those in question."""
    from scbench.datasets.groups import check_sizes, column_of, kept_cells, pseudotime_of, require_column

    excluded = settings.get("exclude_batches", ())
    for key, name in _keys(settings).items():
        require_column(obs if known is None else known, source, key.split()[0], name)
    if partial:
        kept = ~obs[settings["batch_key"]].astype(str).isin(list(excluded)).to_numpy()
    else:
        kept = kept_cells(obs, source, settings["batch_key"], excluded)
    for key, name in _keys(settings).items():
        if key == "pseudotime_key":
            pseudotime_of(obs[kept], source, name, partial=partial)
            continue
        values = column_of(obs[kept], source, key.split()[0], name)
        if key == "batch_key" and not partial and not settings.get("null_split"):
            check_sizes(values, source)


def _check_counts(glimpse: Any, settings: Mapping[str, Any]) -> None:
    from scbench.checks import is_counts

    layer = settings.get("counts_layer") or ""
    where, layers = f"counts_layer '{layer}'" if layer else "X", [name for name in glimpse.layers if name]
    if layer not in glimpse.layers:
        raise ValueError(f"{glimpse.path}: {where} does not exist; layers: {', '.join(layers) or 'none'}")
    glimpse.check_shape(layer, glimpse.layers[layer])
    values = glimpse.sample(glimpse.layers[layer])
    if settings.get("exclude_batches") or (settings.get("round_counts") and values.dtype.kind in "buif"):
        return  # the sample may be of cells that are dropped, or is to be rounded
    if not is_counts(values):
        good = [name for name in layers if name != layer and is_counts(glimpse.sample(glimpse.layers[name]))]
        remedy = (
            f"set counts_layer to a layer that does: {', '.join(good)}" if good else "give the file with raw counts"
        )
        words = "does not hold raw counts (whole numbers, not negative)"
        raise ValueError(f"{glimpse.path}: {where} {words}; {remedy}")
