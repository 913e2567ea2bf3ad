"""Random numbers: every stream is derived from the run's seed and a name."""

from __future__ import annotations

import os
import zlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return the numpy generator of the stream `names` of `seed`; different names give independent streams."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def seed_torch(seed: int) -> None:
    """Seed torch and make it deterministic: same seed, same machine, same number of threads, same bits."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.set_flush_denormal(True)  # moments of weights without a gradient decay to numbers that slow a CPU 100-fold
