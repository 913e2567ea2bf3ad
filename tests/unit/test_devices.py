"""A run gets a GPU of its own, or an error that says why not."""

import os
import subprocess
import sys
import types

import pytest

from scbench import devices
from scbench.devices import STAND_IN, DeviceError, choose_device, claim_gpu, gpus

HOLD = """
from pathlib import Path
from scbench.devices import claim_gpu
print(claim_gpu(["0", "1"], Path({!r})), flush=True)
input()
"""


@pytest.fixture
def torch(monkeypatch):
    """A torch whose view of the GPUs a test chooses."""
    cuda = types.SimpleNamespace(is_available=lambda: False)
    fake = types.SimpleNamespace(cuda=cuda, version=types.SimpleNamespace(cuda="13.0"), __version__="2.13.0")
    monkeypatch.setitem(sys.modules, "torch", fake)
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID", STAND_IN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(devices, "gpus", lambda: [])
    return fake


def test_runs_side_by_side_get_a_gpu_each_and_a_freed_one_is_used_again(root, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(root / "workflow_scripts")}
    command = [sys.executable, "-c", HOLD.format(str(tmp_path))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    first, second = (subprocess.Popen(command, env=environment, text=True, **pipes) for _ in range(2))
    assert {first.stdout.readline(), second.stdout.readline()} == {"0\n", "1\n"}
    assert claim_gpu(["0", "1"], tmp_path) is None, "more runs than GPUs"
    first.communicate("\n")
    third = subprocess.Popen(command, env=environment, text=True, **pipes)
    assert third.stdout.readline() in ("0\n", "1\n")
    for process in (second, third):
        process.communicate("\n")


def test_there_is_nothing_to_claim_on_a_machine_with_one_gpu(tmp_path):
    assert claim_gpu(["0"], tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_gpus_are_counted_without_their_control_devices(tmp_path):
    for name in ("nvidia10", "nvidia2", "nvidia0", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert gpus(tmp_path) == ["0", "2", "10"]


def test_one_of_several_gpus_is_made_the_only_visible_one(torch, monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "gpus", lambda: ["0", "1"])
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    torch.cuda.is_available = lambda: True
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert choose_device("gpu", wants_gpu=True) == "cuda"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1", "a choice of Slurm or the user stays"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert choose_device("auto", wants_gpu=True) == "cuda"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"


@pytest.mark.parametrize(
    ("cuda", "granted", "job", "cause"),
    [
        (None, "0", "7", "built without CUDA; install the CUDA build"),
        ("13.0", "0", "7", "GPU 0 was granted.*driver is probably too old"),
        ("13.0", None, "7", "no GPU was granted to this job"),
        ("13.0", None, None, "this machine has none"),
    ],
)
def test_a_gpu_that_torch_cannot_see_is_an_error_with_the_likely_cause(torch, monkeypatch, cuda, granted, job, cause):
    torch.version.cuda = cuda
    for name, value in (("CUDA_VISIBLE_DEVICES", granted), ("SLURM_JOB_ID", job)):
        if value:
            monkeypatch.setenv(name, value)
    with pytest.raises(DeviceError, match=f"accelerator is gpu, but torch sees no GPU: .*{cause}"):
        choose_device("gpu", wants_gpu=True)
    assert choose_device("auto", wants_gpu=True) == "cpu"


def test_a_stand_in_computes_on_the_cpu_and_says_which_gpu_was_granted(torch, monkeypatch, capsys):
    monkeypatch.setenv(STAND_IN, "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert choose_device("gpu", wants_gpu=True) == "cpu"
    assert capsys.readouterr().out == "device: cpu as a stand-in for GPU 1\n"
