"""From an entry of the configuration to the raw counts of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anndata

from scbench.datasets.lock import download_locked
from scbench.datasets.read import read_cells
from scbench.datasets.validate import standardise
from scbench.paths import is_url


def read_source(settings: Mapping, *, folder: str | Path, lock: str | Path) -> anndata.AnnData:
    """Read or download a dataset of the configuration; see `scbench.datasets.validate.standardise` for the result.

    Parameters
    ----------
    settings
        Entry of `datasets` with `path` or `url`.
    folder
        Where downloads are stored.
    lock
        See `scbench.datasets.lock.download_locked`.
    """
    private = settings.get("private_url", False)
    if "url" in settings:
        path = download_locked(settings["url"], folder, lock, settings.get("sha256"), private=private)
    else:
        path = Path(settings["path"])
    metadata = settings.get("metadata")
    if metadata is not None and is_url(metadata):
        metadata = download_locked(metadata, folder, lock, settings.get("metadata_sha256"), private=private)
    return standardise(
        read_cells(path, metadata),
        source=path,
        batch_key=settings["batch_key"],
        label_key=settings["label_key"],
        counts_layer=settings.get("counts_layer"),
        condition_key=settings.get("condition_key"),
        round_counts=settings.get("round_counts", False),
        exclude_batches=settings.get("exclude_batches", ()),
    )
