"""From an entry of the configuration to the raw counts of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anndata

from scbench.datasets.addresses import shown
from scbench.datasets.lock import download_locked, forget, read_lock
from scbench.datasets.read import is_readable, read_cells
from scbench.datasets.validate import standardise
from scbench.paths import is_url


def read_source(settings: Mapping, *, folder: str | Path, lock: str | Path) -> anndata.AnnData:
    """Read or download a dataset of the configuration; see `scbench.datasets.validate.standardise` for the result.

    A file that was never downloaded before and cannot be read, such as an error message of a server, is deleted and its
    checksum forgotten, so that the next start downloads it again.

    Parameters
    ----------
    settings
        Entry of `datasets` with `path` or `url`.
    folder
        Where downloads are stored.
    lock
        See `scbench.datasets.lock.download_locked`.
    """
    private, known = settings.get("private_url", False), read_lock(lock)
    new: dict[str, Path] = {}  # of URLs without a known checksum
    if "url" in settings:
        path = download_locked(settings["url"], folder, lock, settings.get("sha256"), private=private)
        new |= _if_new(settings["url"], path, known, settings.get("sha256"))
    else:
        path = Path(settings["path"])
    metadata = settings.get("metadata")
    if metadata is not None and is_url(metadata):
        url, sha256 = metadata, settings.get("metadata_sha256")
        metadata = download_locked(url, folder, lock, sha256, private=private)
        new |= _if_new(url, metadata, known, sha256)
    try:
        cells = read_cells(path, metadata)
    except ValueError as error:
        blamed = metadata if new and is_readable(path) else path
        bad = [url for url, file in new.items() if file == blamed]
        for url in bad:
            new[url].unlink()
            forget(url, lock)
        words = f"; the download of {' and '.join(map(shown, bad))} was deleted, run again or correct the url"
        raise ValueError(f"{error}{words if bad else ''}") from error
    return standardise(
        cells,
        source=path,
        batch_key=settings["batch_key"],
        label_key=settings["label_key"],
        counts_layer=settings.get("counts_layer"),
        condition_key=settings.get("condition_key"),
        pseudotime_key=settings.get("pseudotime_key"),
        round_counts=settings.get("round_counts", False),
        exclude_batches=settings.get("exclude_batches", ()),
    )


def _if_new(url: str, path: Path, known: Mapping[str, str], sha256: str | None) -> dict[str, Path]:
    return {url: path} if sha256 is None and shown(url) not in known else {}
