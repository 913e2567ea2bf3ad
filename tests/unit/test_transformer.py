"""The gene Transformer computes what it says, hides what it must guess, and keeps its modes apart."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import make_dataset

from scbench.analyses.annotation import annotation_table
from scbench.analyses.attention import attention_pairs, mean_attention
from scbench.analyses.held_out import folds, macro_f1
from scbench.methods import gene_transformer, gene_transformer_plain
from scbench.neural import automatic
from scbench.neural.cells import Cells, Counts
from scbench.neural.schedules import weights_at
from scbench.transformer import modes, training
from scbench.transformer.parameters import TrunkParameters
from scbench.transformer.pretraining import Integration, Pretraining, choose_genes
from scbench.transformer.transfer import transfer
from scbench.transformer.trunk import TRUNKS, fit_width

SIZES = {"width": 16, "n_latents": 3, "n_heads": 2, "depth": 1, "dropout": 0.0}


def trunk(kind="latent", n_genes=20, position="random", **changes):
    torch.manual_seed(0)
    return TRUNKS[kind](n_genes, TrunkParameters(position=position, **(SIZES | changes))).eval()


def pretraining_of(kind, n_genes, mask):
    options = TrunkParameters(attention=kind, mask=mask, position="random", **SIZES)
    return Pretraining(options, range(n_genes)).eval()


def values(n=5, n_genes=20):
    return torch.randn(n, n_genes, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def trained():
    data = make_dataset("counts")
    return data, gene_transformer.integrate(data, seed=0, device="cpu", threads=1, epochs=60)


def test_the_discrepancy_between_batches_takes_the_batch_out_of_the_latent():
    data = make_dataset("counts")

    def spread(mmd):
        """Squared distance between the means of a type in both batches, relative to the variance within a batch."""
        X = gene_transformer.integrate(data, seed=0, device="cpu", threads=1, epochs=60, mmd=mmd).X
        groups = [[X[(data.labels == name) & (data.batch == batch)] for batch in (0, 1)] for name in set(data.labels)]
        return np.mean([np.square(a.mean(0) - b.mean(0)).sum() / a.var(0).sum() for a, b in groups])

    assert spread(100.0) < 0.5 * spread(0.0)


def test_the_latents_attend_as_ordinary_attention_over_all_tokens_does():
    model, x, genes = trunk(), values(), torch.arange(20)
    tokens = model.tokens(x, genes)
    assert torch.allclose(
        tokens[2, 3], model.value(x[2, 3:4]) + x[2, 3] * model.value_of_gene(model.given[3]) + model.given[3]
    )
    expected = model.read_in(model.latents.expand(5, -1, -1), tokens)
    weights, constant, slope = model._attend(x, genes)
    read = model.read_in.out(weights @ constant + (weights * x[:, None]) @ slope)
    assert torch.allclose(read, expected, atol=1e-5)
    assert torch.allclose(weights, model.read_in.weights(model.latents.expand(5, -1, -1), tokens), atol=1e-6)


def test_attention_is_the_explicit_softmax_of_queries_and_keys():
    attention, tokens, others = trunk().blocks[0].attention, torch.randn(2, 4, 16), torch.randn(2, 7, 16)
    q, (k, v) = attention.query(tokens), attention.key_value(others).chunk(2, dim=-1)
    mixed = []
    for head in (slice(0, 8), slice(8, 16)):
        weights = torch.exp(q[..., head] @ k[..., head].transpose(1, 2) / 8**0.5)
        mixed.append(weights / weights.sum(-1, keepdim=True) @ v[..., head])
    assert torch.allclose(attention(tokens, others), attention.out(torch.cat(mixed, -1)), atol=1e-5)
    assert torch.allclose(attention.weights(tokens, others).sum(-1), torch.ones(2, 4), atol=1e-5)
    assert torch.allclose(attention(tokens[:1], others)[1], attention(tokens[:1], others[1:])[0], atol=1e-6)


@pytest.mark.parametrize("kind", TRUNKS)
def test_without_positions_the_cell_does_not_depend_on_the_order_of_the_genes(kind):
    x, genes, order = values(), torch.arange(20), torch.randperm(20)
    blind, sighted = trunk(kind, position="none"), trunk(kind)
    assert torch.allclose(blind.cell(x, genes), blind.cell(x[:, order], genes), atol=1e-5)
    assert not torch.allclose(sighted.cell(x, genes), sighted.cell(x[:, order], genes), atol=1e-3)
    assert torch.allclose(sighted.cell(x, genes), sighted.cell(x[:, order], order), atol=1e-5)


@pytest.mark.parametrize("kind", TRUNKS)
def test_a_hidden_value_reaches_nothing_and_only_hidden_genes_are_scored(kind):
    model = pretraining_of(kind, 20, mask=0.3)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    hidden, shown = order[:6], order[6:]
    x = values()
    cell, loss = model.masked(x)
    guess = model.trunk.expression(model.trunk(x[:, shown], shown, hidden)[1])
    assert torch.isclose(loss, (guess - x[:, hidden]).square().mean())
    changed = x.clone()
    changed[:, hidden] += 1
    again, loss = model.masked(changed)
    assert torch.equal(cell, again), "what is hidden is not seen"
    assert torch.isclose(loss, (guess - changed[:, hidden]).square().mean())


def test_masked_reconstruction_learns_what_modules_of_genes_tell():
    data = make_dataset("counts")
    history = gene_transformer_plain.integrate(data, seed=0, device="cpu", threads=1, epochs=80, held_out=0.2).history
    masked = history[history["term"] == "held_out_masked"]["value"]
    assert masked.min() < 0.9, "below 1, the variance of a gene"


@pytest.mark.parametrize("kind", TRUNKS)
def test_outputs_in_chunks_are_those_of_all_cells_at_once(kind):
    data = make_dataset("counts", n_cells=50)
    model = pretraining_of(kind, 40, mask=0.2)
    model.start_at(Counts.of(data))
    at_once = np.concatenate(list(modes.embed(model, Counts.of(data), chunk=50)))
    assert at_once.shape == (50, 40, 16)
    assert np.allclose(np.concatenate(list(modes.embed(model, Counts.of(data), chunk=7))), at_once, atol=1e-5)


def test_vectors_are_padded_with_zeros_or_reduced_to_their_principal_components():
    vectors = torch.randn(30, 6)
    assert torch.equal(fit_width(vectors, 8)[:, :6], vectors)
    assert (fit_width(vectors, 8)[:, 6:] == 0).all()
    reduced = fit_width(vectors, 5)
    assert reduced.shape == (30, 5)
    assert torch.allclose(reduced.T @ reduced, torch.diag((reduced**2).sum(0)), atol=1e-3)


def test_genes_are_the_most_variable_ones_without_mitochondrial_ones():
    data = make_dataset("counts")
    names = data.gene_names.copy()
    names[[3, 4]] = ["MT-CO1", "mt-Nd1"]
    data = dataclasses.replace(data, gene_names=names, gene_rank=np.arange(60)[::-1])
    assert choose_genes(data, 10).tolist() == list(range(50, 60))
    assert not {3, 4} & set(choose_genes(data, 60))


def test_gene_vectors_change_the_result_and_missing_ones_do_not_stop_it():
    data = make_dataset("counts", n_cells=100)
    known = dataclasses.replace(data, gene_vectors={"gene2vec": np.random.default_rng(0).random((60, 9), np.float32)})
    with_vectors, without = (
        gene_transformer.integrate(one, seed=0, device="cpu", threads=1, epochs=2) for one in (known, data)
    )
    assert not np.array_equal(with_vectors.X, without.X)
    given = with_vectors.model["weights"]["trunk.given"]
    assert (given[:, 9:] == 0).all(), "padded"
    assert float(given.std()) == pytest.approx(1, abs=1e-3)


def test_prior_steps_and_divergence_go_by_the_number_of_cells_unless_given(monkeypatch):
    def chosen(small_up_to, **given):
        seen = {}
        monkeypatch.setattr(automatic, "FEW_CELLS", small_up_to)
        monkeypatch.setattr(automatic, "MANY_CELLS", small_up_to + 1)
        monkeypatch.setattr(
            training, "fit", lambda data, kind, options, **arguments: seen.update(arguments, options=options)
        )
        gene_transformer.integrate(data, seed=0, device="cpu", threads=1, **given)
        weights = [weights_at(seen["terms"], progress)["kl"] for progress in (0.0, 0.1, 0.3, 0.5, 0.9)]
        options = seen["options"]
        return options.prior, options.max_steps, [round(weight, 9) for weight in weights]

    data = make_dataset("counts")
    assert chosen(data.n_cells) == ("mog", 1500, [0, 0, 0.25, 0.5, 0.5])
    assert chosen(data.n_cells - 1) == ("normal", 5000, [0, 0, 0.125, 0.25, 0.25])
    assert chosen(1, prior="mog", beta=2.0, max_steps=7) == ("mog", 7, [0, 0, 1, 2, 2])


def test_an_unknown_choice_is_refused_by_name():
    for method in (gene_transformer, gene_transformer_plain):
        for choice in ({"attention": "sparse"}, {"position": "gene3vec"}):
            ((name, value),) = choice.items()
            with pytest.raises(ValueError, match=f"{name}: '{value}' is not known; choose one of "):
                method.integrate(make_dataset("counts"), seed=0, device="cpu", threads=1, epochs=1, **choice)


def test_a_stored_model_is_rebuilt_as_it_was(trained):
    data, result = trained
    model = modes.load_trunk(result.model)
    assert type(model) is Integration
    cells = Cells("cpu", {"counts": Counts.of(data), "batch": data.batch})
    assert np.allclose(model.embed(**cells.take(np.arange(300))).detach(), result.X, atol=1e-5)
    with pytest.raises(ValueError, match="the model is a CountVae, not one of: Pretraining, Integration"):
        modes.load_trunk(result.model | {"kind": "CountVae"})


def test_a_trunk_is_matched_to_other_genes_by_symbol(trained):
    data, result = trained
    order = np.random.default_rng(0).permutation(60)[:40]
    names = np.char.upper(data.gene_names[order])
    names[0] = "A GENE THE TRUNK DOES NOT KNOW"
    counts = Counts(data.X[:, order], data.scale)
    moved = transfer(result.model, names, counts)
    there = {name: row for row, name in enumerate(result.model["genes"])}
    assert len(moved.columns) == 39
    for row, column in enumerate(moved.columns.tolist()):
        source = there[names[column].lower()]
        assert torch.equal(moved.trunk.learned[row], result.model["weights"]["trunk.learned"][source])
    assert np.isfinite(next(modes.embed(moved, counts))).all()
    with pytest.raises(ValueError, match="share 0 genes"):
        transfer(result.model, np.array([f"other{i}" for i in range(40)]), counts)


def test_a_transferred_trunk_classifies_as_well_as_at_home(trained):
    data, result = trained
    kept = np.arange(0, 60, 2)
    counts = Counts(data.X[:, kept], data.scale)
    moved = transfer(result.model, data.gene_names[kept], counts)
    train = np.arange(300) < 200
    names, _ = modes.classify(moved, counts[train], data.labels[train], counts[~train], seed=0)
    assert macro_f1(data.labels[~train], names) > 0.9


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_trunk_stays_as_it_is_and_a_free_one_learns(trained, frozen):
    data, result = trained
    model = modes.load_trunk(result.model)
    before = model.trunk.learned.detach().clone()
    modes.classify(model, Counts.of(data), data.labels, Counts.of(data)[:5], seed=0, epochs=1, frozen=frozen)
    assert torch.equal(model.trunk.learned.detach(), before) == frozen


def test_held_out_batches_are_named_as_well_as_by_logistic_regression(trained):
    data, result = trained
    table = annotation_table(result.model, Counts.of(data), data.pca, data.batch, data.labels, seed=0)
    score = table.groupby("annotator")["macro_f1"].mean()
    assert score["gene_transformer"] > 0.95
    assert score["gene_transformer"] >= score["logistic_regression"]
    assert len(annotation_table(result.model, Counts.of(data), data.pca, 0 * data.batch, data.labels, seed=0)) == 0


def test_macro_f1_and_folds():
    truth, predicted = np.array(["a", "a", "b", "c"]), np.array(["a", "b", "b", "b"])
    assert macro_f1(truth, predicted) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    parts = folds(np.repeat(np.arange(12), 3), seed=0)
    assert len(parts) == 5
    assert sorted(np.concatenate(parts)) == list(range(12))


@pytest.mark.parametrize("attention", TRUNKS)
def test_attention_from_gene_to_gene_adds_up_to_1_and_pairs_exceed_the_mean(trained, attention):
    data, result = trained
    if attention == "full":
        result = gene_transformer.integrate(data, seed=0, device="cpu", threads=1, epochs=1, attention="full")
    model = modes.load_trunk(result.model)
    assert np.allclose(mean_attention(model, Counts.of(data)).sum(1), 1, atol=1e-4)
    pairs = attention_pairs(model, data.gene_names, Counts.of(data), data.labels, top=3)
    assert pairs.groupby("cell_type").size().tolist() == [3, 3, 3]
    assert np.allclose(pairs["excess"], pairs["attention"] - pairs["mean_of_types"])
    assert (pairs["gene"] != pairs["attends_to"]).all()
    assert not pairs.duplicated(["cell_type", "attends_to"]).any()
