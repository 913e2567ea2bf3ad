"""The trainer: what it hands over, what it records, when it stops, and that a killed run loses nothing."""

import numpy as np
import pytest
import torch
from scipy import sparse

from scbench.neural.automatic import automatic_dropout, automatic_epochs
from scbench.neural.cells import Cells
from scbench.neural.training import TrainingError, apply, shuffled, train
from scbench.seeding import seed_torch


class Regression(torch.nn.Module):
    """Learns y = x w; the dropout makes the result depend on torch's random numbers."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.linear = torch.nn.Linear(3, 1)
        self.scale = scale

    def losses(self, x, y):
        noisy = torch.nn.functional.dropout(x, 0.1, self.training)
        return {"error": (self.scale * self.linear(noisy)[:, 0] - y).square().mean(), "size": self.linear.weight.norm()}


def regression_cells(n=200):
    x = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return Cells("cpu", {"x": x, "y": x @ np.array([1, -2, 3], np.float32)})


def fit(epochs=5, model=None, **options):
    seed_torch(0)
    model = model or Regression()
    defaults = {"learning_rate": 0.05, "seed": 0, "batch_size": 32, "weights": lambda _: {"error": 1.0}}
    return model, train(model, regression_cells(), epochs=epochs, **(defaults | options))


def test_rows_are_cut_from_csr_as_scipy_does_it():
    matrix = sparse.random(30, 12, density=0.3, format="csr", random_state=0)
    matrix.data = np.ceil(matrix.data * 9)
    chosen = np.array([4, 4, 29, 0, 11])
    rows = Cells("cpu", {"counts": matrix, "code": np.arange(30)}).take(chosen)
    dense = matrix[chosen].toarray()
    assert np.array_equal(rows["counts"].dense().numpy(), dense)
    assert np.allclose(rows["counts"].totals[:, 0].numpy(), dense.sum(1))
    assert rows["code"].tolist() == chosen.tolist()


def test_log_normalisation_equals_numpy_and_keeps_an_empty_cell_finite():
    rows = Cells("cpu", {"c": sparse.csr_matrix([[0.0, 0.0], [1.0, 3.0]])}).take(np.arange(2))["c"]
    assert np.allclose(rows.log_normalised().numpy(), [[0, 0], np.log1p([2500, 7500])])


def test_an_epoch_holds_every_cell_once():
    minibatches = shuffled(np.arange(3, 103), 32)(np.random.default_rng(0))
    assert [len(cells) for cells in minibatches] == [25, 25, 25, 25]
    assert sorted(np.concatenate(minibatches)) == list(range(3, 103))


def test_automatic_dropout_falls_with_the_number_of_cells():
    assert [automatic_dropout(n) for n in (300, 2000, 4000, 6000, 10**6)] == [0.3, 0.3, 0.15, 0.1, 0.1]


def test_automatic_epochs_stay_within_their_bounds():
    assert automatic_epochs(100, 128, 4000) == 400
    assert automatic_epochs(10_000, 128, 4000) == 51
    assert automatic_epochs(10**6, 128, 4000) == 20


def test_training_finds_the_weights_and_records_every_term():
    model, history = fit(epochs=60)
    assert np.allclose(model.linear.weight.detach().numpy(), [[1, -2, 3]], atol=0.4)
    assert len(history) == 120
    assert set(history["term"]) == {"error", "size"}
    error = history[history["term"] == "error"]["value"].to_numpy()
    assert error[-1] < 0.2 * error[0]


def test_a_term_without_weight_is_recorded_and_not_trained():
    with_term, _ = fit(weights=lambda _: {"error": 1.0, "size": 0.0})
    without, _ = fit()
    assert torch.equal(with_term.linear.weight, without.linear.weight)


def test_a_killed_and_resumed_training_equals_one_that_was_never_killed(tmp_path):
    class Killed(Exception):
        pass

    def weights(progress):
        if progress >= 0.5 and killing:
            raise Killed
        return {"error": 1.0}

    options = {"epochs": 8, "average": 0.9, "held_out": 0.2, "patience": 100, "cosine_from": 0.3}
    killing = False
    whole, history = fit(**options)
    killing = True
    with pytest.raises(Killed):
        fit(**options, weights=weights, checkpoint=tmp_path / "c.pt", checkpoint_seconds=0)
    killing = False
    torch.manual_seed(99)
    resumed, resumed_history = fit(**options, weights=weights, checkpoint=tmp_path / "c.pt", checkpoint_seconds=0)
    assert torch.equal(resumed.linear.weight, whole.linear.weight)
    assert resumed_history.equals(history)


def test_training_stops_when_held_out_cells_get_no_better_and_keeps_the_best_weights():
    model = Regression()
    held_out, at_the_end_of_epoch = iter([5.0, 3.0, 4.0, 4.0, 4.0]), []

    def losses(x, y):
        if model.training:
            return {"error": model.linear(x).square().mean()}
        at_the_end_of_epoch.append(model.linear.weight.detach().clone())
        return {"error": torch.tensor(next(held_out))}

    model.losses = losses
    _, history = fit(epochs=50, model=model, held_out=0.1, patience=3, batch_size=1000)
    assert history["epoch"].max() == 4
    assert torch.equal(model.linear.weight, at_the_end_of_epoch[1])


def test_held_out_cells_are_not_trained_on():
    seen = []

    def sampler_spy(model):
        original = model.losses

        def losses(x, y):
            if model.training:
                seen.append(x)
            return original(x, y)

        model.losses = losses
        return model

    fit(epochs=3, model=sampler_spy(Regression()), held_out=0.25)
    assert len(torch.unique(torch.cat(seen), dim=0)) == 150


def test_the_moving_average_lies_within_the_path_of_the_weights():
    last, _ = fit(epochs=3)
    averaged, _ = fit(epochs=3, average=0.99)
    start = Regression
    seed_torch(0)
    first = start().linear.weight
    assert (averaged.linear.weight - first).norm() < (last.linear.weight - first).norm()


def test_apply_keeps_the_order_of_the_cells():
    cells = regression_cells(50)
    assert np.allclose(apply(lambda x, y: x, cells, chunk=7), cells.take(np.arange(50))["x"].numpy())


@pytest.mark.parametrize("scale", [float("nan"), 1e30])
def test_a_loss_that_is_not_finite_stops_the_run_by_name(scale):
    with pytest.raises(TrainingError, match=r"epoch 0: the loss term 'error' is (nan|inf); lower learning_rate"):
        fit(model=Regression(scale))


def test_a_loss_that_explodes_stops_the_run_by_name():
    model = Regression()
    model.losses = lambda x, y: {"error": model.linear(x).exp().mean() * 0 + next(values)}
    values = iter([100.0, 50.0, 60.0, 1e6])
    with pytest.raises(TrainingError, match="epoch 3: the loss term 'error' has exploded"):
        fit(model=model, batch_size=1000)


def test_a_terminal_gets_a_bar_and_a_log_plain_lines(monkeypatch, capsys):
    fit(epochs=2)
    plain = capsys.readouterr()
    assert "epoch 1 error" in plain.out
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fit(epochs=2)
    bar = capsys.readouterr()
    assert "error=" in bar.err
    assert "epoch 1 error" not in bar.out
