"""Memory and run time that a job asks for, from the size of its dataset; what is refused and what is tried again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEMORY_MARGIN, SNAKEMAKE_MB = 1.5, 450  # around every job of a cluster run two processes of Snakemake
RUNTIME_MARGIN, MIN_MINUTES = 4, 15  # processors differ more than memory does
CGROUP = Path("/sys/fs/cgroup/memory.max")
OUT_OF_MEMORY = re.compile(r"can't allocate memory|Cannot allocate memory|CUDA out of memory")  # of libraries


@dataclass(frozen=True)
class Size:
    """Size of a prepared dataset: numbers of cells, genes and batches."""

    cells: int
    genes: int
    batches: int


Amount = int | Mapping[str, float]


def estimate(amount: Amount, size: Size) -> float:
    """Return what a job is expected to use: an amount as it is, or the sum of its terms for the size of the dataset.

    Parameters
    ----------
    amount
        A number, or coefficients: `base`, `cells` (per 1,000 cells), `values` (per 1,000,000 cells x genes), `batches`
        (per 1,000 cells x batches).
    """
    if not isinstance(amount, Mapping):
        return float(amount)
    terms = {
        "base": 1.0,
        "cells": size.cells / 1e3,
        "values": size.cells * size.genes / 1e6,
        "batches": size.cells * size.batches / 1e3,
    }
    return sum(coefficient * terms[name] for name, coefficient in amount.items())


def memory_mb(amount: Amount, size: Size, attempt: int = 1) -> int:
    """Return the MB to ask for: a number is taken at its word, coefficients get a margin; both grow with `attempt`."""
    mb = estimate(amount, size)
    return attempt * round(mb * MEMORY_MARGIN + SNAKEMAKE_MB if isinstance(amount, Mapping) else mb)


def runtime_minutes(amount: Amount, size: Size, attempt: int = 1) -> int:
    """Return the minutes to ask for: a number is taken at its word, coefficients get a margin; both grow."""
    minutes = estimate(amount, size)
    return attempt * round(max(MIN_MINUTES, minutes * RUNTIME_MARGIN) if isinstance(amount, Mapping) else minutes)


def simulation_mb(settings: Mapping[str, Any]) -> int:
    """Return the MB to ask for when a dataset is simulated, given its settings."""
    values = settings["n_cells"] * settings.get("n_genes", 1000) / 1e6
    return round((300 + 7 * values) * MEMORY_MARGIN + SNAKEMAKE_MB)


def preparation_mb(raw_mb: float) -> int:
    """Return the MB to ask for when a dataset is prepared, given the size of its raw.h5ad, which is compressed."""
    return round((400 + 11 * raw_mb) * MEMORY_MARGIN + SNAKEMAKE_MB)


def read_size(path: str | Path) -> Size:
    """Read the size.json of a prepared dataset; of a dataset that is not prepared yet, return a size of 0."""
    path = Path(path)
    return Size(**json.loads(path.read_text())) if path.exists() else Size(0, 0, 0)


def machine_memory_mb() -> int:
    """Return the memory of this machine in MB, or that of its container if it is limited."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = CGROUP.read_text().strip() if CGROUP.exists() else "max"
    return min(total, int(limit) if limit.isdigit() else total) // 2**20


def too_large(mb: int) -> str:
    """Return why a job that asks for `mb` cannot run on this machine, or an empty text."""
    there = machine_memory_mb()
    remedy = "use a larger machine or max_cells, or set a smaller mem_mb if you know better"
    return f"needs about {mb:,} MB of memory, this machine has {there:,} MB; {remedy}" if mb > there else ""


def is_mendable(error: BaseException) -> bool:
    """Return whether a job that raised `error` may succeed with more memory."""
    return isinstance(error, MemoryError) or bool(OUT_OF_MEMORY.search(str(error)))
