"""Likelihood, training, and what VAE_NB learns."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import make_dataset
from scipy import sparse, stats

from scbench.autoencoders.likelihoods import negative_binomial_nll
from scbench.autoencoders.networks import log_normalise
from scbench.autoencoders.training import TrainingError, automatic_epochs, train
from scbench.methods.vae_nb import integrate


def test_negative_binomial_equals_scipy():
    counts, mean, theta = np.meshgrid([0.0, 1, 7, 400], [1e-3, 0.5, 30, 2000], [0.1, 1, 50], indexing="ij")
    expected = -stats.nbinom.logpmf(counts, theta, theta / (theta + mean))
    got = negative_binomial_nll(*(torch.tensor(a, dtype=torch.float64) for a in (counts, mean, theta)))
    assert np.allclose(got.numpy(), expected, rtol=1e-8, atol=1e-8)


def test_negative_binomial_gradient_is_right():
    arguments = [torch.tensor([[0.0, 3.0]], dtype=torch.float64)]
    arguments += [torch.tensor([[0.7, 2.0]], dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda m, t: negative_binomial_nll(arguments[0], m, t), arguments[1:])


def test_normalisation_equals_numpy_and_keeps_an_empty_cell_finite():
    counts = torch.tensor([[0.0, 0.0], [1.0, 3.0]])
    assert np.allclose(log_normalise(counts).numpy(), [[0, 0], np.log1p([2500, 7500])])


def test_automatic_epochs_stay_within_their_bounds():
    assert automatic_epochs(100, 128, 4000) == 400
    assert automatic_epochs(10_000, 128, 4000) == 51
    assert automatic_epochs(10**6, 128, 4000) == 20


def test_training_lowers_the_loss_and_the_latent_tells_types_apart():
    data = make_dataset("counts")
    result = integrate(data, seed=0, device="cpu", threads=1, epochs=60, latent_dim=8)
    loss = result.history[result.history["term"] == "reconstruction"]["value"].to_numpy()
    assert loss[-1] < loss[0]
    types = pd.Categorical(data.labels).codes
    centres = np.stack([result.X[types == t].mean(0) for t in range(3)])
    nearest = np.linalg.norm(result.X[:, None] - centres[None], axis=2).argmin(1)
    assert (nearest == types).mean() > 0.9


def test_the_history_has_one_row_per_epoch_and_term():
    history = integrate(make_dataset("counts"), seed=0, device="cpu", threads=1, epochs=3).history
    assert len(history) == 6
    assert set(history["term"]) == {"reconstruction", "kl"}


def test_the_weights_load_without_trusting_the_file(tmp_path):
    from scbench.contracts import write_model

    model = integrate(make_dataset("counts"), seed=0, device="cpu", threads=1, epochs=1).model
    write_model(tmp_path / "model.pt", model)
    loaded = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(torch.equal(loaded[name], model[name]) for name in model)


def test_a_loss_that_is_not_finite_stops_the_training_by_name():
    class Broken(torch.nn.Linear):
        def losses(self, counts):
            return {"fine": self(counts).mean(), "broken": self(counts).mean() * float("nan")}

    with pytest.raises(TrainingError, match=r"epoch 0: the loss term 'broken' is nan"):
        train(
            Broken(2, 1),
            sparse.csr_matrix(np.ones((4, 2))),
            weights=lambda _: {"fine": 1.0, "broken": 1.0},
            epochs=2,
            batch_size=2,
            learning_rate=0.1,
            seed=0,
        )
