"""The statistics of batch normalisation, with which embeddings are made, are those of the cells."""

import numpy as np
import pytest
import torch
from conftest import ROOT, make_dataset

from scbench.autoencoders.autoencoder import Autoencoder
from scbench.autoencoders.count_vae import CountVae
from scbench.config import load_config
from scbench.neural.cells import Cells, Counts
from scbench.neural.fit import load
from scbench.registry import load_registry
from scbench.runner import call
from scbench.seeding import seed_torch

REGISTRY = load_registry(load_config(ROOT / "config", {})["methods"])
VARIANTS = [name for name, one in REGISTRY.items() if one.module in {"cvae_nb", "disentangled_ae", "autoencoder"}]
VARIANTS.remove("cvae_nb_guide")  # no batch normalisation
OTHER_INPUTS = ["cvae_nb_vamp", "cvae_nb_cycle", "disentangled_ae_cycle", "disentangled_ae_idlc"]
SHORT = {"latent_dim": 8, "hidden": (16,), "batch_size": 50}


def trained(variant, data, epochs):
    method = REGISTRY[variant]
    params = method.params | SHORT | {"epochs": epochs}
    made = call(method.module, data, seed=0, device="cpu", threads=1, params=params)
    return load(made.model, Autoencoder, CountVae)


def variances(model):
    return [one.running_var.clone() for one in model.modules() if isinstance(one, torch.nn.BatchNorm1d)]


@torch.no_grad()
def of_training_passes(model, counts, batch, n_passes=50):
    """Return the variances of the cells, means over passes in training mode, of a model that is no longer trained."""
    for one in model.modules():
        if isinstance(one, torch.nn.BatchNorm1d):
            one.reset_running_stats()
            one.momentum = None  # the mean over all passes
    model.train()
    cells, rng = Cells("cpu", {"counts": counts, "batch": batch}), np.random.default_rng(0)
    for _ in range(n_passes):
        for chosen in np.array_split(rng.permutation(len(batch)), len(batch) // SHORT["batch_size"]):
            model.embed(**cells.take(chosen))
    return variances(model)


@pytest.mark.parametrize("variant", OTHER_INPUTS)
def test_running_variances_are_those_of_the_cells(variant):
    data = make_dataset("counts", n_cells=150)
    model = trained(variant, data, epochs=200)
    seed_torch(0)
    for running, true in zip(variances(model), of_training_passes(model, Counts.of(data), data.batch), strict=True):
        assert abs((running / true).log().mean()) < np.log(1.05)


@pytest.mark.parametrize("variant", VARIANTS)
def test_running_statistics_are_updated_once_per_minibatch(variant):
    model = trained(variant, make_dataset("counts", n_cells=150), epochs=8)
    stages = [getattr(model.options, name, False) for name in ("pretrain", "cluster_stage")]
    n_steps = 3 * (8 + 2 * sum(stages))  # these stages take a quarter of the epochs
    updates = [one.num_batches_tracked for one in model.modules() if isinstance(one, torch.nn.BatchNorm1d)]
    assert updates
    assert all(number == n_steps for number in updates)
