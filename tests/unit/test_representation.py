"""The terms and parts of the autoencoders by known answers, what the models learn, and how they map a new batch."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT, make_dataset, nearest_centre
from scipy import sparse

from scbench.autoencoders import convolution, objective
from scbench.autoencoders.autoencoder import Autoencoder
from scbench.autoencoders.codebook import Codebook
from scbench.autoencoders.parameters import TERMS, AutoencoderParameters
from scbench.autoencoders.pretraining import SelfTraining, pretrain_layers
from scbench.config import load_config
from scbench.datasets.simulate import simulate
from scbench.files import read_model, write_model
from scbench.graphs.neighbours import nearest
from scbench.graphs.shared_clusters import shared_clusters
from scbench.methods import autoencoder
from scbench.metrics.silhouette import isolated_labels, silhouette_widths
from scbench.neural import discrepancy, priors
from scbench.neural.adversary import BatchAdversary, PriorAdversary, reverse_gradient
from scbench.neural.cells import Cells, Counts
from scbench.neural.fit import load
from scbench.neural.schedules import read_schedules, weights_at
from scbench.neural.training import apply, train
from scbench.registry import load_registry
from scbench.runner import call
from scbench.seeding import seed_torch
from scbench.types import Dataset

REGISTRY = load_registry(load_config(ROOT / "config", {})["methods"])
FAMILY = [id_ for id_, method in REGISTRY.items() if method.module == "autoencoder"]
PRESETS = [id_ for id_, method in REGISTRY.items() if method.module == "disentangled_ae"]


def integrate(id_, data, **changes):
    method = REGISTRY[id_]
    return call(method.module, data, seed=0, device="cpu", threads=1, params=method.params | changes)


def simulated(**knobs):
    """A small simulated dataset as a method gets it, with its cell types."""
    knobs = {"n_cells": 600, "n_genes": 200, "n_types": 5, "n_batches": 3, "library_size": 1500, "seed": 1} | knobs
    raw = simulate(**knobs)
    totals = np.asarray(raw.X.sum(1)).ravel()
    logged = np.log1p(raw.X.toarray() * (1e4 / totals[:, None]))
    centred = logged - logged.mean(0)
    pca = (centred @ np.linalg.svd(centred, full_matrices=False)[2][:30].T).astype(np.float32)
    batch = raw.obs["batch"].cat
    data = Dataset(
        name="simulated",
        X=raw.X.tocsr(),
        batch=batch.codes.to_numpy().astype(np.int64),
        batch_names=tuple(batch.categories),
        gene_names=raw.var_names.to_numpy(),
        total_counts=totals.astype(float),
        pca=pca,
    )
    return data, raw.obs["cell_type"].astype(str).to_numpy()


def of_cells(data, chosen):
    """The same dataset with the chosen cells only, and their batches numbered anew."""
    names, codes = np.unique(data.batch[chosen], return_inverse=True)
    parts = {"X": data.X[chosen], "batch": codes, "batch_names": tuple(data.batch_names[code] for code in names)}
    parts |= {"total_counts": data.total_counts[chosen], "pca": data.pca[chosen]}
    return Dataset(name=data.name, gene_names=data.gene_names, **parts)


def untrained(**options):
    """A model of the made-up dataset as it begins, in evaluation mode, and the dataset."""
    data = make_dataset("counts")
    seed_torch(0)
    parameters = AutoencoderParameters(**({"latent_dim": 8, "hidden": [32, 16]} | options))
    model = Autoencoder(parameters, n_genes=60, n_batches=2, n_clusters=1)
    model.start_at(Counts.of(data), data.batch, np.zeros(data.n_cells, np.int64))
    return model.eval(), data


def cells_of(data):
    return Cells("cpu", {"counts": Counts.of(data), "batch": data.batch, "cluster": np.zeros(data.n_cells, np.int64)})


# ---- schedules and simple terms


def test_a_weight_is_zero_before_its_start_and_rises_to_full():
    terms = read_schedules({"kl": [2.0, 0.1, 0.5], "mmd": 3.0, "cycle": [1.0, 0.2, 0.2]}, TERMS)
    assert weights_at(terms, 0.0) == {"reconstruction": 1.0, "kl": 0.0, "mmd": 3.0, "cycle": 0.0}
    assert weights_at(terms, 0.3) == pytest.approx({"reconstruction": 1.0, "kl": 1.0, "mmd": 3.0, "cycle": 1.0})
    assert weights_at(terms, 0.9)["kl"] == 2.0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"magic": 1.0}, "'magic' is not known"), ({"kl": [1.0, 0.5, 0.2]}, "objective.kl"), ({"mmd": -1.0}, "mmd")],
)
def test_an_unknown_term_and_an_impossible_schedule_are_refused_by_name(wrong, words):
    with pytest.raises(ValueError, match=words):
        read_schedules(wrong, TERMS)


def test_every_term_that_may_be_named_is_computed():
    assert set(objective.LOSSES) == set(TERMS)


def test_the_divergence_equals_torch_distributions():
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    q = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    assert torch.allclose(priors.divergence(mean, log_variance).sum(1).mean(), expected, atol=1e-5)
    model, data = untrained(objective={"kl": 1.0, "batch_code_kl": 1.0}, split=True)
    terms = model.losses(**cells_of(data).take(np.arange(9)))
    h = model.trunk(cells_of(data).take(np.arange(9))["counts"].log_normalised() - model.centre, None, None)
    for name, to_mean, to_log_variance in (
        ("kl", model.to_mean, model.to_log_variance),
        ("batch_code_kl", model.to_code, model.to_code_log_variance),
    ):
        q = torch.distributions.Normal(to_mean(h), torch.exp(to_log_variance(h) / 2))
        expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
        assert torch.allclose(terms[name], expected, atol=1e-5)


def test_every_batch_counts_alike_in_the_cross_entropy_of_z_batch():
    n_cells = torch.tensor([30.0, 10.0])
    batch = torch.tensor([0, 0, 0, 1])
    logits = torch.tensor([[1.0, 0.0]] * 3 + [[0.0, 2.0]])
    per_cell = -torch.log_softmax(logits, 1)[torch.arange(4), batch]
    expected = (per_cell[:3].mean() + per_cell[3]) / 2
    assert torch.allclose(objective.batch_cross_entropy(logits, batch, n_cells), expected)


def test_sparsity_knows_no_scale_and_is_least_for_one_dimension():
    one, all_alike = torch.tensor([[0.0, 3.0, 0.0, 0.0]]), torch.full((1, 4), -2.0)
    assert objective.sparsity(one).item() == pytest.approx(0.5, abs=1e-4)
    assert objective.sparsity(all_alike).item() == pytest.approx(1.0, abs=1e-4)
    assert objective.sparsity(100 * one).item() == pytest.approx(0.5, abs=1e-4)


# ---- discrepancy


def by_hand(X, Y, scale):
    """The unbiased squared discrepancy with loops."""

    def k(a, b):
        return np.mean([math.exp(-((a - b) ** 2).sum() / (2 * width * scale)) for width in discrepancy.BANDWIDTHS])

    xx = np.mean([k(a, b) for i, a in enumerate(X) for j, b in enumerate(X) if i != j])
    yy = np.mean([k(a, b) for i, a in enumerate(Y) for j, b in enumerate(Y) if i != j])
    return xx + yy - 2 * np.mean([k(a, b) for a in X for b in Y])


def test_the_discrepancy_from_the_prior_equals_a_computation_by_hand_and_grows_with_a_shift():
    z = torch.randn(40, 3) + 1
    torch.manual_seed(5)
    found = discrepancy.distance_from_normal(z)
    torch.manual_seed(5)
    assert found.item() == pytest.approx(by_hand(z.numpy(), torch.randn_like(z).numpy(), 6.0), abs=1e-5)
    assert discrepancy.distance_from_normal(torch.randn(500, 3)).abs() < 0.01
    assert discrepancy.distance_from_normal(torch.randn(500, 3) + 1) > 0.05


def test_the_discrepancy_within_clusters_equals_a_computation_by_hand():
    z = torch.randn(60, 2, dtype=torch.float64)
    batch, cluster = torch.arange(60) % 3, (torch.arange(60) >= 40).long()
    z[batch == 1] += 1
    square = torch.cdist(z, z).square()
    expected = [
        by_hand(z[(cluster == c) & (batch == b)].numpy(), z[(cluster == c) & (batch != b)].numpy(), square.median())
        for c in (0, 1)
        for b in (0, 1, 2)
    ]
    found = discrepancy.distance_within_clusters(z, batch, cluster, 3, 2)
    assert found.item() == pytest.approx(np.mean(expected), abs=1e-6)


def test_the_discrepancy_is_zero_for_one_distribution_and_ignores_a_type_of_one_batch():
    z = torch.randn(400, 2)
    batch = torch.arange(400) % 2
    assert discrepancy.distance_within_clusters(z, batch, torch.zeros_like(batch), 2, 1).abs() < 0.01
    alone = (torch.arange(400) < 100) & (batch == 0)  # a type of batch 0, far away
    z[alone] += 8
    z.requires_grad_()
    assert discrepancy.distance_within_clusters(z, batch, torch.zeros_like(batch), 2, 1) > 0.05
    within = discrepancy.distance_within_clusters(z, batch, alone.long(), 2, 2)
    within.backward()
    assert within.abs() < 0.01
    assert z.grad[alone].abs().max() == 0
    assert z.grad[~alone].abs().max() > 0


def test_a_minibatch_without_shared_clusters_has_no_discrepancy():
    batch = torch.arange(20) % 2
    assert discrepancy.distance_within_clusters(torch.randn(20, 2), batch, batch, 2, 2).item() == 0


# ---- adversaries


def test_a_reversed_gradient_is_the_gradient_with_the_other_sign():
    z = torch.randn(4, 2, requires_grad=True)
    out = reverse_gradient(z)
    assert torch.equal(out, z)
    (out * torch.tensor([1.0, 2.0])).sum().backward()
    assert torch.equal(z.grad, torch.tensor([[-1.0, -2.0]]).expand(4, 2))


def test_the_adversary_learns_the_batch_and_the_encoder_unlearns_it():
    torch.manual_seed(0)
    batch = torch.arange(200) % 2
    place = torch.nn.Parameter(torch.randn(200, 3) + 2 * batch[:, None])
    adversary = BatchAdversary(3, 2, 1)
    groups, cluster = torch.tensor([[100.0, 100.0]]), torch.zeros_like(batch)
    optimiser = torch.optim.Adam(adversary.parameters(), lr=0.01)
    for _ in range(50):
        optimiser.zero_grad()
        loss = adversary(place.detach(), batch, cluster, groups)
        loss.backward()
        optimiser.step()
    assert loss < 0.4
    adversary(place, batch, cluster, groups).backward()
    moved = -place.grad  # where descent takes the cells
    assert (moved[batch == 0].mean(0) - moved[batch == 1].mean(0)).mean() > 0


def test_the_adversary_ignores_what_one_batch_has_alone_and_is_blind_to_composition():
    groups = torch.tensor([[90.0, 30.0, 0.0], [0.0, 0.0, 60.0]])
    cluster = torch.cat([torch.zeros(120), torch.ones(60)]).long()
    batch = torch.cat([torch.zeros(90), torch.ones(30), torch.full((60,), 2.0)]).long()
    adversary = BatchAdversary(4, 3, 2)
    with torch.no_grad():
        adversary.network[-1].weight.zero_()
        adversary.network[-1].bias.zero_()
    z = torch.randn(180, 4, requires_grad=True)
    loss = adversary(z, batch, cluster, groups)
    assert loss.item() == pytest.approx(math.log(2), abs=1e-5)  # two batches are possible, not three
    with torch.no_grad():
        adversary.network[-1].bias.copy_(torch.tensor([math.log(3.0), 0, 0]))  # what composition alone would tell
    assert adversary(z, batch, cluster, groups) > math.log(2) + 0.05


def test_the_adversary_of_the_prior_is_at_chance_on_the_prior():
    adversary = PriorAdversary(3)
    assert adversary(torch.randn(500, 3)).item() == pytest.approx(math.log(2), abs=0.05)


# ---- codebook, convolution


def test_the_codebook_gives_the_nearest_code_and_the_gradient_of_the_latent():
    book = Codebook(4, n_codes=5, n_groups=2).eval()
    z = torch.randn(7, 4, requires_grad=True)
    out = book(z)
    for group, part in enumerate((slice(0, 2), slice(2, 4))):
        distance = torch.linalg.norm(z[:, None, part] - book.codes[group][None], dim=2)
        assert torch.allclose(out[:, part], book.codes[group][distance.argmin(1)], atol=1e-6)
    out.sum().backward()
    assert torch.equal(z.grad, torch.ones(7, 4))


def test_codes_move_to_their_cells_and_dead_ones_begin_anew():
    torch.manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    book = Codebook(2, n_codes=8, n_groups=1)
    book.codes += 100  # all of them far from any cell
    for _ in range(400):
        book(centres[torch.arange(60) % 3] + 0.1 * torch.randn(60, 2))
    assert torch.cdist(centres, book.codes[0]).min(1).values.max() < 0.2
    assert book.codes.abs().max() < 12, "no code is left where there are no cells"


def test_co_expressed_genes_become_neighbours():
    random = np.random.default_rng(0)
    program = np.arange(40) % 4
    X = random.normal(size=(300, 4))[:, program] + 0.3 * random.normal(size=(300, 40))
    order = convolution.co_expression_order(sparse.csr_matrix(X))
    assert sorted(order) == list(range(40))
    assert (np.diff(program[order]) != 0).sum() == 3


# ---- stages


def test_layers_that_were_trained_one_after_another_start_the_encoder():
    model, data = untrained()
    model.train()
    before = model.trunk.linear[0].weight.detach().clone()
    histories = pretrain_layers(model, Counts.of(data), "cpu", epochs=30, learning_rate=5e-3, seed=0)
    assert [history["term"].iloc[0] for history in histories] == ["layer_1", "layer_2", "layer_3"]
    assert all(history["value"].iloc[-1] < 0.8 * history["value"].iloc[0] for history in histories)
    assert not torch.equal(model.trunk.linear[0].weight, before)
    z = apply(model.eval().embed, Cells("cpu", {"counts": Counts.of(data)}))
    assert nearest_centre(z, data.labels) > 0.9, "no further training was needed"


def test_self_training_draws_cells_to_clusters_with_students_t():
    data = make_dataset("counts")
    found = autoencoder.integrate(data, seed=0, device="cpu", threads=1, objective={}, latent_dim=4, epochs=20)
    model = load(found.model, Autoencoder)
    stage = SelfTraining(model, found.X, seed=0).eval()
    cells = Cells("cpu", {"counts": Counts.of(data)})
    before = apply(stage.assignment, cells)
    near = 1 / (1 + ((found.X[:, None] - stage.centre.detach().numpy()[None]) ** 2).sum(2))
    assert np.allclose(before, near / near.sum(1, keepdims=True), atol=1e-5)
    train(stage, cells, weights=lambda _: {"clustering": 1.0}, epochs=10, learning_rate=2e-3, seed=0)
    assert apply(stage.eval().assignment, cells).max(1).mean() > before.max(1).mean() + 0.05


# ---- the models


@pytest.mark.parametrize("id_", [id_ for id_ in (*FAMILY, *PRESETS) if not id_.endswith("_cond")])
def test_every_preset_learns_the_types_and_records_every_term(id_):
    data = make_dataset("counts")
    result = integrate(id_, data, epochs=15)
    assert nearest_centre(result.X, data.labels) > 0.85
    terms = set(result.history["term"])
    assert {"reconstruction", *REGISTRY[id_].parameters["objective"]} <= terms
    reconstruction = result.history[result.history["term"] == "reconstruction"]["value"].to_numpy()
    assert reconstruction[-1] < reconstruction[0]
    assert ("layer_1" in terms, "clustering" in terms) == ("stacked" in id_ or "desc" in id_, "desc" in id_)


@pytest.mark.parametrize("options", [{"condition": "magic"}, {"reconstruction": "magic"}, {"layers": "magic"}])
def test_an_unknown_choice_is_refused_by_name(options):
    name = next(iter(options))
    with pytest.raises(ValueError, match=f"{name}: 'magic' is not known; choose one of "):
        integrate("autoencoder", make_dataset("counts"), epochs=1, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"objective": {"batch_code": 1.0, "batch_code_kl": 0.1}, "condition": "z_batch"},
        {"objective": {"kl": 1.0, "adversary": 1.0, "mmd": 1.0}, "condition": "none", "reconstruction": "mse"},
        {"objective": {"batch_code": 1.0, "cycle": 1.0}, "condition": "embedding", "hidden": [16]},
    ],
    ids=str,
)
def test_parts_combine_freely(options):
    data = make_dataset("counts")
    result = integrate("disentangled_ae", data, **options, epochs=5)
    assert {"reconstruction", *options["objective"]} == set(result.history["term"])
    loaded = apply(load(result.model, Autoencoder).embed, Cells("cpu", {"counts": Counts.of(data)}))
    assert np.array_equal(loaded, result.X)


@pytest.mark.parametrize(
    ("id_", "options", "words"),
    [("vq_vae", {"n_groups": 5}, "n_groups: 32"), ("convolutional_ae", {"pretrain": True}, "layer by layer")],
)
def test_parts_that_do_not_go_together_are_refused(id_, options, words):
    with pytest.raises(ValueError, match=words):
        integrate(id_, make_dataset("counts"), epochs=1, **options)


def test_what_needs_a_z_batch_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="need split: true"):
        integrate("autoencoder", make_dataset("counts"), epochs=1, objective={"batch_code": 1.0})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data, types = simulated()
    result = integrate("disentangled_ae", data, max_steps=400)
    path = tmp_path_factory.mktemp("run") / "model.pt"
    write_model(path, result.model)
    return data, types, result, load(read_model(path), Autoencoder)


def test_the_batch_is_in_z_batch_and_the_types_are_in_z_bio(trained):
    data, types, result, model = trained
    cells = Cells("cpu", {"counts": Counts.of(data)})
    assert np.array_equal(apply(model.embed, cells), result.X), "a loaded model gives the embedding again"
    assert nearest_centre(result.X, types) > 0.95
    assert nearest_centre(result.X, data.batch) < 0.5
    assert (apply(model.z_batch, cells).argmax(1) == data.batch).mean() > 0.95


def test_a_cell_decoded_under_another_batch_takes_on_its_profile(trained):
    data, _, _, model = trained
    cells = Cells("cpu", {"counts": Counts.of(data)}).take(np.arange(data.n_cells))["counts"]
    with torch.no_grad():
        z = model.embed(cells)
        shown = [model.decoded_expression(z, model.code_of(torch.full((len(z),), b)), cells) for b in (0, 1)]
    real = [cells.log_normalised()[torch.from_numpy(data.batch == b)].mean(0) for b in (0, 1)]
    shift = (shown[1] - shown[0]).mean(0)
    assert np.corrcoef(shift.numpy(), (real[1] - real[0]).numpy())[0, 1] > 0.8


def test_cells_of_a_batch_never_seen_are_mapped_to_their_types(trained):
    data, types, _, _ = trained
    seen = data.batch < 2
    result = integrate("disentangled_ae", of_cells(data, seen), max_steps=400)
    model = load(result.model, Autoencoder)
    new = apply(model.embed, Cells("cpu", {"counts": Counts.of(data)[~seen]}))
    first = data.batch[seen] == 0

    def transferred(reference, its_types, query):
        indices, _ = nearest(reference, query, 15)
        return pd.DataFrame(its_types[indices]).mode(axis=1)[0].to_numpy()

    of_seen = (transferred(result.X[first], types[seen][first], result.X[~first]) == types[seen][~first]).mean()
    of_new = (transferred(result.X, types[seen], new) == types[~seen]).mean()
    assert of_seen > 0.95
    assert of_new > 0.95


def test_types_of_one_batch_only_stay_apart():
    alone = {"batch_1": ["type_1", "type_2"], "batch_2": ["type_3", "type_4"]}
    data, types = simulated(n_types=8, n_batches=2, type_strength=1.3, missing_types=alone)
    result = integrate("disentangled_ae", data, max_steps=400)
    found, unintegrated = (
        isolated_labels(silhouette_widths(X, types), types, data.batch) for X in (result.X, data.pca)
    )
    assert found > unintegrated - 0.05
    cluster = shared_clusters(data.pca, data.batch, seed=0)
    assert pd.crosstab(cluster, types).max(axis=1).sum() > 0.9 * len(types), "no cluster holds several types"
