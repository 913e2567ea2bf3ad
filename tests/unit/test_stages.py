"""Trainings of several stages, killed and started again: nothing that is finished is trained again."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, make_dataset

from scbench.config import load_config
from scbench.metric_learning import self_training
from scbench.neural import training
from scbench.registry import load_registry
from scbench.runner import call
from scbench.types import Checkpoint

REGISTRY = load_registry(load_config(ROOT / "config", {})["methods"])
SHORT = {
    "stacked_ae": {"epochs": 8, "latent_dim": 4, "hidden": (8,)},
    "desc_cond": {"epochs": 8, "latent_dim": 4, "hidden": (8,)},
    "scdml_iterative": {"n_clusters": 6, "epochs": 2, "rounds": 2, "round_epochs": 2, "hidden": 8, "latent_dim": 4},
}


class Killed(Exception):
    pass


@pytest.mark.parametrize("method", SHORT)
def test_a_killed_training_resumes_within_its_stage_and_gives_the_same_bits(method, tmp_path, monkeypatch):
    spec, checkpoint = REGISTRY[method], Checkpoint(tmp_path / "checkpoint.pt", "key")
    epochs, save = [], training._save

    def counted(*arguments):
        epochs.append(1)
        return epoch(*arguments)

    def integrate(checkpoint):
        epochs.clear()
        data = replace(make_dataset(spec.input), checkpoint=checkpoint)
        return call(spec.module, data, seed=0, device="cpu", threads=1, params=spec.params | SHORT[method])

    monkeypatch.setattr(self_training, "STABLE", 1.1)  # so that self-training has a second round
    monkeypatch.setattr(self_training, "UNLIKE", -1.0)
    epoch = training._epoch
    monkeypatch.setattr(training, "_epoch", counted)
    monkeypatch.setattr(training.time, "monotonic", itertools.count(0, 100).__next__)  # a checkpoint after every epoch
    whole = integrate(None)
    n_epochs = len(epochs)
    assert n_epochs > whole.history["epoch"].max() >= SHORT[method]["epochs"]
    for last in range(1, n_epochs):
        checkpoint.remove()

        def save_until_killed(*arguments, last=last):
            save(*arguments)
            if len(epochs) == last:
                raise Killed

        monkeypatch.setattr(training, "_save", save_until_killed)
        with pytest.raises(Killed):
            integrate(checkpoint)
        monkeypatch.setattr(training, "_save", save)
        resumed = integrate(checkpoint)
        assert len(epochs) == n_epochs - last
        assert np.array_equal(resumed.X, whole.X)
        assert resumed.history.equals(whole.history)


def test_the_files_of_all_stages_are_removed(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt")
    for path in (checkpoint.path, checkpoint.stage("layer_1").path, checkpoint.stage("clusters").path):
        path.touch()
    (tmp_path / "model.pt").touch()
    checkpoint.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]
