"""The device of a run: the CPU, or a GPU that no other run of this machine uses."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

STAND_IN = "SCBENCH_STAND_IN_GPU"  # for tests of the queue: 1 lets jobs with `accelerator: gpu` compute on the CPU
_claimed: list[IO] = []  # locks that this process holds until it ends


class DeviceError(RuntimeError):
    """The configuration requests a GPU, but none is available."""


def choose_device(accelerator: str, wants_gpu: bool) -> str:
    """Return cpu or cuda for `accelerator` auto | cpu | gpu; a method that does not use a GPU always runs on the CPU.

    Where Slurm or the user has not chosen a GPU, one that no other run of this machine uses is chosen, by
    CUDA_VISIBLE_DEVICES.

    Raises
    ------
    DeviceError
        If a GPU is requested and torch finds none; names the likely cause.
    """
    if not wants_gpu or accelerator == "cpu":
        return "cpu"
    if "CUDA_VISIBLE_DEVICES" not in os.environ:
        gpu = claim_gpu(gpus())
        if gpu is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # read when torch starts CUDA
    granted = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if accelerator == "gpu" and os.environ.get(STAND_IN) == "1":
        print(f"device: cpu as a stand-in for GPU {granted or '(none granted)'}")
        return "cpu"
    import torch

    if torch.cuda.is_available():
        print(f"device: cuda, GPU {granted or 'by default'}")
        return "cuda"
    if accelerator == "gpu":
        raise DeviceError(f"benchmark.accelerator is gpu, but torch sees no GPU: {_likely_cause(granted)}")
    return "cpu"


def _likely_cause(granted: str) -> str:
    """Return why torch sees no GPU, and the remedy."""
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA; install the CUDA build, or set accelerator to cpu"
    build = f"torch {torch.__version__} for CUDA {torch.version.cuda}"
    if granted:
        return f"GPU {granted} was granted, but {build} cannot use it; its driver is probably too old, see nvidia-smi"
    if gpus():
        return f"there are GPUs, but {build} cannot use them; their driver is probably too old, see nvidia-smi"
    asked = "no GPU was granted to this job" if "SLURM_JOB_ID" in os.environ else "this machine has none"
    return f"{asked} ({build}); set accelerator to auto or cpu, or run it on a machine with a GPU"


def gpus(folder: Path = Path("/dev")) -> list[str]:
    """Return the numbers of the NVIDIA GPUs of this machine."""
    numbers = [path.name.removeprefix("nvidia") for path in folder.glob("nvidia[0-9]*")]
    return sorted((number for number in numbers if number.isdigit()), key=int)


def claim_gpu(found: Sequence[str], locks: Path | None = None) -> str | None:
    """Reserve one of several GPUs until this process ends and return it, or None if there is no choice or none is free.

    Parameters
    ----------
    locks
        Folder of the lock files that all processes of this machine share; default: that for temporary files.
    """
    if len(found) < 2:
        return None
    for number in found:
        path = (locks or Path(tempfile.gettempdir())) / f"scbench-gpu{number}-{os.getuid()}.lock"
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _claimed.append(lock)
        return number
    return None
