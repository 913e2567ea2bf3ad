"""The trainer: what it hands over, what it records, when it stops, and that a killed run loses nothing."""

import numpy as np
import pytest
import torch
from scipy import sparse

from scbench.neural import automatic
from scbench.neural.cells import Cells, Counts
from scbench.neural.fit import Model, load, state_of
from scbench.neural.fit import fit as fit_model
from scbench.neural.networks import one_hot
from scbench.neural.parameters import MinibatchParameters, TrainingParameters
from scbench.neural.training import TrainingError, apply, shuffled, train
from scbench.seeding import seed_torch
from scbench.types import Checkpoint


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


def test_seeded_torch_is_deterministic_and_does_not_fill_new_tensors():
    seed_torch(0)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory


def test_indicators_are_those_of_torch():
    codes = torch.tensor([2, 0, 2])
    assert torch.equal(one_hot(codes, 4), torch.nn.functional.one_hot(codes, 4).float())


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
    counts = Counts(sparse.csr_matrix([[0.0, 0.0], [1.0, 3.0]]), np.array([200.0, 1000.0]))
    rows = Cells("cpu", {"c": counts}).take(np.arange(2))["c"]
    assert np.allclose(rows.log_normalised().numpy(), [[0, 0], np.log1p([1000, 3000])])


def test_an_epoch_holds_every_cell_once():
    minibatches = shuffled(np.arange(3, 103), 32)(np.random.default_rng(0))
    assert [len(cells) for cells in minibatches] == [25, 25, 25, 25]
    assert sorted(np.concatenate(minibatches)) == list(range(3, 103))


def test_automatic_dropout_falls_with_the_number_of_cells():
    assert [automatic.dropout(n) for n in (300, 2000, 4000, 6000, 10**6)] == [0.3, 0.3, 0.15, 0.1, 0.1]


def test_automatic_epochs_stay_within_their_bounds():
    assert automatic.epochs(100, 128, 4000) == 400
    assert automatic.epochs(10_000, 128, 4000) == 51
    assert automatic.epochs(10**6, 128, 4000) == 20


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


class Killed(Exception):
    pass


def killed(progress):
    """Weights of a training that is killed at its half."""
    if progress >= 0.5:
        raise Killed
    return {"error": 1.0}


LONG = {"epochs": 8, "average": 0.9, "held_out": 0.2, "patience": 100, "cosine_from": 0.3}


def test_a_killed_and_resumed_training_equals_one_that_was_never_killed(tmp_path, capsys):
    checkpoint = {"checkpoint": Checkpoint(tmp_path / "c.pt", "a key"), "checkpoint_seconds": 0}
    whole, history = fit(**LONG)
    with pytest.raises(Killed):
        fit(**LONG, weights=killed, **checkpoint)
    torch.manual_seed(99)
    resumed, resumed_history = fit(**LONG, **checkpoint)
    assert "resumed after epoch 4" in capsys.readouterr().out
    assert torch.equal(resumed.linear.weight, whole.linear.weight)
    assert resumed_history.equals(history)


DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "a flipped bit": lambda content: content[:900] + bytes([content[900] ^ 1]) + content[901:],
    "empty": lambda content: b"",
    "foreign": lambda content: b"<html>404</html>",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("digest", [True, False])
def test_a_damaged_checkpoint_is_discarded_with_a_word_and_the_training_starts_anew(tmp_path, capsys, damage, digest):
    path = tmp_path / "c.pt"
    whole, history = fit(**LONG)
    with pytest.raises(Killed):
        fit(**LONG, weights=killed, checkpoint=Checkpoint(path, "a key"), checkpoint_seconds=0)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    if not digest:
        (tmp_path / ".c.pt.sha256").unlink()
    begun, its_history = fit(**LONG, checkpoint=Checkpoint(path, "a key"))
    if digest or damage != "a flipped bit":
        assert "discarded a damaged checkpoint; the training starts anew" in capsys.readouterr().out
        assert torch.equal(begun.linear.weight, whole.linear.weight)
        assert its_history.equals(history)


def test_a_checkpoint_with_other_weights_under_the_same_key_changes_nothing(tmp_path, capsys):
    path = tmp_path / "c.pt"
    whole, _ = fit(**LONG)
    with pytest.raises(Killed):
        fit(**LONG, weights=killed, checkpoint=Checkpoint(path, "a key"), checkpoint_seconds=0)
    content = torch.load(path, weights_only=True)
    content["model"] = {name: value * 2 for name, value in content["model"].items()}
    content["average"] = (3, [])
    torch.save(content, path)
    (tmp_path / ".c.pt.sha256").unlink()
    begun, _ = fit(**LONG, checkpoint=Checkpoint(path, "a key"))
    assert "discarded a damaged checkpoint" in capsys.readouterr().out
    assert torch.equal(begun.linear.weight, whole.linear.weight)


def test_a_checkpoint_of_another_run_is_not_resumed_from(tmp_path, capsys):
    path = tmp_path / "c.pt"
    with pytest.raises(Killed):
        fit(**LONG, learning_rate=0.5, weights=killed, checkpoint=Checkpoint(path, "a key"), checkpoint_seconds=0)
    whole, history = fit(**LONG)
    begun, its_history = fit(**LONG, checkpoint=Checkpoint(path, "another key"), checkpoint_seconds=0)
    assert "the checkpoint is of another run" in capsys.readouterr().out
    assert torch.equal(begun.linear.weight, whole.linear.weight)
    assert its_history.equals(history)
    again, _ = fit(**LONG, checkpoint=Checkpoint(path, "another key"))
    assert "resumed after epoch 8" in capsys.readouterr().out, "the other run's checkpoint is written over"
    assert torch.equal(again.linear.weight, whole.linear.weight)


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


# ---- from data to an embedding


class Line(Model):
    """The embedding is the cells times a weight; the loss pulls that to a target."""

    options_class = TrainingParameters

    def __init__(self, options, *, n_genes):
        super().__init__(options, n_genes=n_genes)
        self.linear = torch.nn.Linear(n_genes, 2)
        self.register_buffer("steps", torch.zeros(()))

    def embed(self, x, **_):
        assert not self.training, "cells are embedded without dropout"
        return self.linear(x)

    def losses(self, x, y):
        if self.training:
            self.steps += 1
        return {"error": (self.linear(x)[:, 0] - y).square().mean()}


class Plain(Line):
    options_class = MinibatchParameters


class Other(Line):
    pass


def embedded(options, kind=Line, seed=0, **changes):
    """Fit to 60 cells in 3 minibatches of 20."""
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    data = type("Data", (), {"n_cells": 60, "checkpoint": None})
    columns = {"x": x, "y": x[:, 0]}
    make = changes.pop("make", lambda: kind(options, n_genes=3))
    given = {"columns": columns, "weights": lambda _: {"error": 1.0}, "seed": seed, "device": "cpu", **changes}
    return x, fit_model(data, make, options, **given)


def test_the_embedding_is_of_the_trained_model_and_the_same_for_the_same_seed():
    options = TrainingParameters(epochs=3, batch_size=20)
    x, found = embedded(options)
    weights = found.model["weights"]
    assert np.allclose(found.X, x @ weights["linear.weight"].numpy().T + weights["linear.bias"].numpy(), atol=1e-6)
    assert found.history["epoch"].tolist() == [0, 1, 2]
    assert weights["steps"] == 9
    torch.manual_seed(5)
    assert np.array_equal(embedded(options)[1].X, found.X)
    assert not np.array_equal(embedded(options, seed=1)[1].X, found.X)


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (TrainingParameters(max_steps=1, batch_size=20), 60),  # 20 epochs at least
        (TrainingParameters(max_steps=90, batch_size=20), 90),
        (TrainingParameters(max_steps=90, batch_size=20, epochs=2), 6),
        (TrainingParameters(max_steps=120, batch_size=30), 120),
    ],
)
def test_epochs_that_are_not_given_make_about_max_steps_steps(options, steps):
    assert embedded(options)[1].model["weights"]["steps"] == steps


@pytest.mark.parametrize(("kind", "options"), [(Line, TrainingParameters()), (Plain, MinibatchParameters())])
def test_training_of_an_unknown_length_is_refused(kind, options):
    with pytest.raises(ValueError, match="epochs: give their number, or max_steps"):
        embedded(options, kind)


def test_options_of_the_training_reach_it():
    slow, fast = (embedded(TrainingParameters(epochs=1, learning_rate=rate))[1].model["weights"] for rate in (1e-6, 1))
    seed_torch(0)
    first = Line(TrainingParameters(), n_genes=3).linear.weight
    assert (slow["linear.weight"] - first).abs().max() < 1e-5
    assert (fast["linear.weight"] - first).abs().max() > 0.1
    held_out = embedded(TrainingParameters(epochs=2, held_out=0.5))[1]
    assert set(held_out.history["term"]) == {"error", "held_out_error"}


def test_stages_before_and_after_are_part_of_one_history_and_the_last_gives_clusters():
    seen = []

    def first(model, cells, epochs):
        seen.append(("first", int(model.steps), epochs))
        return [regression_history("a"), regression_history("b")]

    def last(model, cells, epochs):
        seen.append(("last", int(model.steps), epochs))
        with torch.no_grad():
            model.linear.weight.zero_()
        return [regression_history("c")], np.arange(cells.n_cells)

    def regression_history(term):
        return fit(epochs=2)[1].assign(term=term).drop_duplicates(["epoch", "term"])

    _, found = embedded(TrainingParameters(epochs=3, batch_size=20), first=first, last=last)
    assert seen == [("first", 0, 3), ("last", 9, 3)]
    assert found.history["epoch"].tolist() == list(range(9))
    assert found.history["term"].tolist() == ["a"] * 2 + ["b"] * 2 + ["error"] * 3 + ["c"] * 2
    assert found.cluster.tolist() == list(range(60))
    assert np.ptp(found.X, axis=0).max() == 0, "embedded after the last stage"


def test_a_model_is_rebuilt_from_its_state_with_its_parameters_and_in_evaluation_mode():
    options = TrainingParameters(epochs=2, learning_rate=0.1)
    x, found = embedded(options)
    assert {key: found.model[key] for key in ("kind", "sizes")} == {"kind": "Line", "sizes": {"n_genes": 3}}
    model = load(found.model, Other, Line)
    assert type(model) is Line
    assert model.options == options
    assert not model.training
    assert np.array_equal(model.embed(torch.from_numpy(x)).detach().numpy(), found.X)
    assert torch.equal(state_of(model)["weights"]["linear.weight"], found.model["weights"]["linear.weight"])


@pytest.mark.parametrize(
    ("state", "named"), [({"kind": "Other"}, "Other"), ({"architecture": {}, "weights": {}}, "None")]
)
def test_a_model_of_a_foreign_kind_is_refused_by_name(state, named):
    with pytest.raises(ValueError, match=f"the model is a {named}, not one of: Line, Plain"):
        load(state, Line, Plain)
