"""What VAE_NB and CVAE_NB learn, what they can generate, and what every option does."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import make_dataset, nearest_centre
from scipy import sparse, stats

from scbench.autoencoders import count_vae, generation
from scbench.autoencoders.count_vae import CountVae
from scbench.autoencoders.parameters import CountVaeParameters
from scbench.files import read_model, write_model
from scbench.methods import cvae_nb, vae_nb
from scbench.neural import automatic, cells, priors
from scbench.neural.cells import Cells, Counts
from scbench.neural.fit import load

SHORT = {"seed": 0, "device": "cpu", "threads": 1, "latent_dim": 8}


@pytest.fixture(scope="module")
def trained():
    data = make_dataset("counts")
    return data, vae_nb.integrate(data, **SHORT, epochs=60), cvae_nb.integrate(data, **SHORT, epochs=60)


@pytest.fixture(scope="module")
def model(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.pt"
    write_model(path, trained[2].model)
    return load(read_model(path), CountVae)


def test_both_tell_types_apart_and_only_the_conditional_one_mixes_batches(trained):
    data, blind, conditional = trained
    assert nearest_centre(blind.X, data.labels) > 0.9
    assert nearest_centre(conditional.X, data.labels) > 0.9
    assert nearest_centre(blind.X, data.batch) > 0.8
    assert nearest_centre(conditional.X, data.batch) < 0.65


def test_the_discrepancy_mixes_batches_even_if_the_decoder_does_not_know_them(trained):
    data, blind, conditional = trained
    mixed = vae_nb.integrate(data, **SHORT, epochs=60, mmd=100.0)
    assert ["mmd" in set(one.history["term"]) for one in (blind, mixed, conditional)] == [False, True, True]
    assert nearest_centre(blind.X, data.batch) > 0.8
    assert nearest_centre(mixed.X, data.batch) < 0.65
    assert nearest_centre(mixed.X, data.labels) > 0.9


def test_prior_beta_steps_and_dropout_go_by_the_number_of_cells_unless_given(monkeypatch):
    def chosen(small_up_to, **given):
        seen = []
        monkeypatch.setattr(automatic, "FEW_CELLS", small_up_to)
        monkeypatch.setattr(automatic, "MANY_CELLS", small_up_to + 1)
        monkeypatch.setattr(count_vae, "fit", lambda data, options, **_: seen.append(options))
        cvae_nb.integrate(data, **SHORT, **given)
        (options,) = seen
        return options.prior, options.beta, options.max_steps, options.dropout

    data = make_dataset("counts")
    assert chosen(data.n_cells) == ("mog", 1.0, 2500, 0.3)
    assert chosen(data.n_cells - 1) == ("normal", 0.5, 5000, 0.3)
    assert chosen(1, prior="mog", beta=0.0, max_steps=7, dropout=0.0) == ("mog", 0.0, 7, 0.0)


def test_a_loaded_model_gives_the_embedding_again(trained, model):
    data, _, conditional = trained
    cells = Cells("cpu", {"counts": Counts.of(data), "batch": data.batch})
    with torch.no_grad():
        assert np.array_equal(model.embed(**cells.take(np.arange(data.n_cells))).numpy(), conditional.X)


def test_sampled_cells_look_like_the_batch_they_are_drawn_for(trained, model):
    data = trained[0]
    real = data.X.toarray()
    library = np.median(data.total_counts)
    profile = [real[data.batch == code].mean(0) for code in (0, 1)]
    for code in (0, 1):
        cells = generation.sample(model, 500, batch=code, library=library, seed=0)
        assert cells.dtype == np.int32
        assert abs(cells.sum(1).mean() / library - 1) < 0.1
        drawn = np.asarray(cells.mean(0)).ravel()
        assert np.corrcoef(drawn, profile[code])[0, 1] > np.corrcoef(drawn, profile[1 - code])[0, 1]
    again = generation.sample(model, 500, batch=1, library=library, seed=0)
    assert (again != cells).nnz == 0


def test_cells_decoded_under_another_batch_take_on_its_profile(trained, model):
    data = trained[0]
    first = data.batch == 0
    real = data.X.toarray()
    counts = Counts.of(data)[first]
    moved = generation.translate(model, counts, data.batch[first], to_batch=1)
    kept = generation.translate(model, counts, data.batch[first], to_batch=0)
    assert np.allclose(moved.sum(1), real[first].sum(1), rtol=1e-3)
    shift = np.log(real[~first].mean(0) + 0.1) - np.log(real[first].mean(0) + 0.1)
    assert stats.spearmanr(np.log(moved.mean(0) / kept.mean(0)), shift)[0] > 0.7


def test_interpolation_begins_and_ends_at_the_two_cells(trained, model):
    data = trained[0]
    path = generation.interpolate(model, Counts.of(data)[:2], data.batch[:2], n_points=5, in_batch=0)
    assert path.shape == (5, 60)
    assert np.allclose(path.sum(1), 1e4, rtol=1e-3)
    assert np.linalg.norm(path[1] - path[0]) < np.linalg.norm(path[4] - path[0])


def test_corrected_expression_has_the_types_and_not_the_batches(trained, model):
    data = trained[0]
    corrected = generation.corrected_expression(model, Counts.of(data), data.batch)
    assert nearest_centre(corrected, data.labels) > 0.9
    assert nearest_centre(corrected, data.batch) < 0.65


def test_a_batch_that_the_model_does_not_know_is_refused(model):
    with pytest.raises(ValueError, match="batch 2 is unknown: the model was trained on the codes 0 to 1"):
        generation.sample(model, 1, batch=2, library=100, seed=0)


@pytest.mark.parametrize(
    "options",
    [
        {"likelihood": "zinb"},
        {"likelihood": "poisson"},
        {"likelihood": "gaussian", "dispersion": "gene"},
        {"size_factor": "concat"},
        {"prior": "normal", "free_bits": 0.1},
        {"prior": "vamp"},
        {"prior": "conditional"},
        {"condition": "embedding", "condition_encoder": True},
        {"encoder_norm": "batch", "decoder_norm": "domain", "activation": "relu"},
        {"cycle_weight": 1.0},
        {"average": 0.9},
        {"held_out": 0.1, "patience": 100},
    ],
    ids=str,
)
def test_every_option_trains_keeps_the_types_and_generates(options):
    data = make_dataset("counts")
    result = cvae_nb.integrate(data, **SHORT, epochs=40, **options)
    assert nearest_centre(result.X, data.labels) > 0.85
    reconstruction = result.history[result.history["term"] == "reconstruction"]["value"].to_numpy()
    assert reconstruction[-1] < reconstruction[0]
    drawn = generation.sample(load(result.model, CountVae), 20, batch=1, library=200, seed=0)
    assert drawn.shape == (20, 60)
    assert drawn.sum() > 0


CHOICES = [one for one in dataclasses.fields(CountVaeParameters) if "known" in one.metadata]


def test_the_choices_of_a_count_vae_are_these():
    names = {"likelihood", "dispersion", "size_factor", "prior", "condition"}
    assert {one.name for one in CHOICES} == names | {"encoder_norm", "decoder_norm", "activation"}


@pytest.mark.parametrize("name", [one.name for one in CHOICES])
@pytest.mark.parametrize("method", [vae_nb, cvae_nb])
def test_an_unknown_choice_is_refused_by_name(method, name):
    with pytest.raises(ValueError, match=f"{name}: 'magic' is not known; choose one of "):
        method.integrate(make_dataset("counts", n_cells=10), **SHORT, **{name: "magic"})


def test_free_bits_keep_the_divergence_from_being_lowered_below_them():
    data = make_dataset("counts")
    cells = Cells("cpu", {"counts": Counts.of(data), "batch": data.batch}).take(np.arange(50))
    model = CountVae(CountVaeParameters(latent_dim=4, hidden=[16], free_bits=1e6), n_genes=60, n_batches=2)
    assert model.losses(**cells)["kl"].item() == pytest.approx(4e6)


@pytest.mark.parametrize("condition", ["none", "one_hot"])
def test_extra_zeros_depend_on_the_batch_if_the_decoder_does(condition):
    options = CountVaeParameters(latent_dim=4, hidden=[16], likelihood="zinb", condition=condition)
    model, z = CountVae(options, n_genes=60, n_batches=2), torch.randn(1, 4).expand(2, -1)
    first, second = model.extra_zero_logits(z, torch.tensor([0, 1]))
    assert torch.allclose(first, second) == (condition == "none")


def test_a_mixture_density_equals_scipy():
    prior = priors.GaussianMixture(3, 2)
    with torch.no_grad():
        prior.log_variance.copy_(torch.randn(2, 3))
        prior.logits.copy_(torch.tensor([0.3, -0.5]))
    z = torch.randn(7, 3)
    weight = torch.softmax(prior.logits, 0).detach().numpy()
    parts = [
        weight[k]
        * stats.multivariate_normal.pdf(
            z.numpy(), prior.mean[k].detach().numpy(), np.diag(prior.log_variance[k].exp().detach().numpy())
        )
        for k in range(2)
    ]
    assert np.allclose(prior.log_density(z).exp().detach().numpy(), sum(parts), rtol=1e-3)


def test_divergences_equal_torch_distributions():
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    q = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    assert torch.allclose(priors.StandardNormal(3).kl(mean, log_variance, None, None), expected, atol=1e-5)
    conditional = priors.ConditionalNormal(3, 2, pull=0.0)
    with torch.no_grad():
        conditional.mean.normal_()
    batch = torch.tensor([0, 1, 1, 0, 1])
    p = torch.distributions.Normal(conditional.mean[batch], 1.0)
    assert torch.allclose(
        conditional.kl(mean, log_variance, None, batch), torch.distributions.kl_divergence(q, p), atol=1e-5
    )


def test_training_starts_at_the_dispersions_of_the_counts(monkeypatch):
    rng = np.random.default_rng(0)
    theta, share = np.array([0.5, 2.0, 8.0, np.inf]), np.array([0.1, 0.2, 0.3, 0.4])
    library = rng.integers(100, 300, 20_000)
    mean = library[:, None] * share
    rate = np.where(np.isinf(theta), mean, mean * rng.gamma(np.where(np.isinf(theta), 1, theta), 1, mean.shape) / theta)
    counts = Counts(sparse.csr_matrix(rng.poisson(rate).astype(np.int32)), 200 / library)
    found = counts.dispersions()
    assert np.allclose(found[:3], theta[:3], rtol=0.05)
    assert found[3] > 100

    model = CountVae(CountVaeParameters(dispersion="gene_batch"), n_genes=4, n_batches=2)
    model.start_at(counts)
    started = np.array([found.clip(0.3, 10)] * 2)
    assert np.allclose(model.theta().detach(), started, rtol=1e-3)

    whole = counts.shares(), counts.log_means(), counts.mean_total(), found
    monkeypatch.setattr(cells, "BLOCK", 999)
    in_blocks = counts.shares(), counts.log_means(), counts.mean_total(), counts.dispersions()
    assert all(np.allclose(one, other) for one, other in zip(whole, in_blocks, strict=True))
