"""What a result was made from: digests of the code behind a rule, versions of the packages behind a number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scbench import source

PACKAGES_OF_METHODS = ("anndata", "numpy", "scipy", "torch", "faiss-cpu", "igraph", "harmonypy")


@cache
def code_digest(*entries: str) -> str:
    """Digest the code that `entries` can reach; docstrings, comments and code that nothing calls do not count.

    Snakemake sees an edit of a script but not of what it imports, so every rule carries this as a parameter.

    Parameters
    ----------
    entries
        Scripts (`score.py`), modules (`scbench.neural.cells`) and definitions (`scbench.metrics.kbet:kbet`). What is
        imported by a name made at run time, as a method is, no import statement shows: name it here.
    """
    return source.digest(source.reachable([unit for entry in entries for unit in source.entry_units(entry)]))


def method_digest(module: str) -> str:
    """Digest the code that makes the embedding of a method: the runner's, and that of its module."""
    return code_digest("scbench.runner:run", f"scbench.methods.{module}")


def package_versions(*packages: str) -> dict[str, str]:
    """Return {package: version} of those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def run_key(code: str, parameters: Mapping, seed: int, *files: str | Path) -> str:
    """Digest all that the result of a run depends on: a checkpoint of another run is never resumed from."""
    digest = hashlib.sha256(b"".join(Path(path).read_bytes() for path in files))
    digest.update(json.dumps([code, dict(parameters), seed], sort_keys=True).encode())
    return digest.hexdigest()[:16]
