"""Provenance of results: digests of the code behind a rule and versions of the packages behind a number."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scbench import source

PACKAGES_OF_METHODS = ("anndata", "numpy", "scipy", "torch", "faiss-cpu", "igraph", "harmonypy")


@cache
def code_digest(*entries: str) -> str:
    """Return a digest of the code reachable from `entries`, without docstrings, comments and unused definitions.

    Snakemake detects changes of a script but not of the modules it imports, so every rule has this digest as a
    parameter.

    Parameters
    ----------
    entries
        Scripts (`score.py`), modules (`scbench.neural.cells`) and definitions (`scbench.metrics.kbet:kbet`). Modules
        imported dynamically, such as methods, appear in no import statement and must be listed here.
    """
    return source.digest(source.reachable([unit for entry in entries for unit in source.entry_units(entry)]))


def method_digest(module: str) -> str:
    """Return the digest of the code that makes the embedding of a method: its module, the runner and the script."""
    return code_digest("integrate.py", f"scbench.methods.{module}")


def files_digest(*paths: str | Path) -> str:
    """Return a digest of the content of files that are not Python code."""
    total = hashlib.sha256()
    for path in map(Path, paths):
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def package_versions(*packages: str) -> dict[str, str]:
    """Return {package: version} of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def missing_packages(packages: Iterable[str]) -> list[str]:
    """Return the packages, by their names on PyPI, that are not installed; nothing is imported."""
    return [package for package in packages if not package_versions(package)]


def hardware(device: str) -> dict[str, str]:
    """Return the name of the processor and, for the device cuda, of the GPU."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    found = {"cpu": models[0] if models else platform.machine()}
    if device == "cuda":
        import torch

        found["gpu"] = torch.cuda.get_device_name()
    return found


def run_key(code: str, parameters: Mapping, seed: int, *files: str | Path) -> str:
    """Return a digest of everything a run depends on, so that it never resumes from the checkpoint of another run."""
    digest = hashlib.sha256(b"".join(Path(path).read_bytes() for path in files))
    digest.update(json.dumps([code, dict(parameters), seed], sort_keys=True).encode())
    return digest.hexdigest()[:16]
