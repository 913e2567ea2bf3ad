"""Random numbers: every stream is derived from the seed of the run and a name."""

from __future__ import annotations

import os
import zlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return the numpy generator for `seed` and the stream `names`; different names give independent streams."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def seed_torch(seed: int) -> None:
    """Seed torch and make it deterministic for the same seed, machine and number of threads."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    # otherwise torch fills every new tensor, also those that are overwritten at once
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_flush_denormal(True)  # Adam moments that decay to denormals slow a CPU 100-fold
