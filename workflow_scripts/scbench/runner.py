"""Running one method on one data set: choose the device, hand over the declared input, check what comes back."""

import importlib
import sys
from collections.abc import Mapping

from threadpoolctl import threadpool_limits

from scbench.checks import check_embedding
from scbench.types import Dataset, Embedding


class DeviceError(RuntimeError):
    """The configuration asks for a GPU that is not there."""


def choose_device(accelerator: str, wants_gpu: bool) -> str:
    """Return cpu or cuda for `accelerator` auto | cpu | gpu; a method that takes no GPU always runs on the CPU.

    Raises
    ------
    DeviceError
        When a GPU is asked for and torch sees none.
    """
    if not wants_gpu or accelerator == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if accelerator == "gpu":
        build = f"torch {torch.__version__}, built for CUDA {torch.version.cuda or 'none'}"
        raise DeviceError(f"benchmark.accelerator is gpu, but torch sees no GPU ({build}); set it to auto or cpu")
    return "cpu"


def run_method(module: str, data: Dataset, *, seed: int, device: str, threads: int, params: Mapping) -> Embedding:
    """Call `integrate` of a module of scbench.methods within its threads and check the embedding.

    Raises
    ------
    ContractError
        When the embedding is not (n_cells, n_dims) finite float32.
    """
    integrate = importlib.import_module(f"scbench.methods.{module}").integrate
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    with threadpool_limits(threads):
        embedding = integrate(data, seed=seed, device=device, threads=threads, **params)
    check_embedding(f"methods.{module}", embedding, data.n_cells)
    return embedding
