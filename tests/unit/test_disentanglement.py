"""The evidence of disentanglement by known answers: probes, correlations, counterfactuals, classifiers, the figure."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, make_dataset

from scbench.analyses import disentanglement as d
from scbench.autoencoders.autoencoder import Autoencoder
from scbench.config import load_config
from scbench.methods import disentangled_ae
from scbench.neural.cells import Cells, Counts
from scbench.report.disentanglement import draw_run
from scbench.report.figures import save

PRESETS = load_config(ROOT / "config", {})["methods"]["disentangled_ae"]


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_a_probe_reads_what_is_there_and_is_at_chance_where_nothing_is(random):
    groups = np.repeat(["a", "b", "c"], [200, 60, 40])
    noise = random.normal(size=(300, 5))
    accuracy, chance = d.probe(noise, groups)
    assert chance == pytest.approx(1 / 3)
    assert accuracy == pytest.approx(1 / 3, abs=0.1), "not the share of the largest group"
    noise[:, 2] += 6 * (groups == "b") - 6 * (groups == "c")
    assert d.probe(noise, groups)[0] > 0.97


def test_a_probe_of_one_group_is_not_a_number(random):
    groups = np.repeat(["a", "b"], [290, 10 - 1])
    assert np.isnan(d.probe(random.normal(size=(299, 2)), groups)).all()


def test_correlations_find_the_shared_dimension_and_bear_a_constant_one(random):
    z_bio, z_batch = random.normal(size=(500, 3)), random.normal(size=(500, 2))
    z_bio[:, 1] = -3 * z_batch[:, 0]
    z_bio[:, 2] = 7
    found = d.correlations(z_bio, z_batch)
    assert found.shape == (3, 2)
    assert found[1, 0] == pytest.approx(1)
    assert (found[2] == 0).all()
    assert found[0].max() < 0.2


def test_the_shift_between_batches_is_that_of_the_types_both_have(random):
    labels = np.array(["t1"] * 40 + ["t2"] * 20 + ["t1"] * 10 + ["t2"] * 30 + ["t3"] * 50)
    batch = np.array([0] * 60 + [1] * 90)
    expression = np.zeros((150, 2))
    expression[labels == "t2", 0] += 5  # of a type, not of the batch
    expression[labels == "t3"] += 100  # in one batch only
    expression[batch == 1, 1] += 3
    assert d.shift_between(expression, batch, labels, 0, 1) == pytest.approx([0, 3])
    assert np.isnan(d.shift_between(expression, batch, np.where(batch, "x", "y"), 0, 1)).all()


@pytest.mark.parametrize("preset", ["disentangled_ae", "disentangled_ae_one_hot", "disentangled_ae_embedding"])
def test_swapping_the_code_of_a_trained_model_shows_the_other_batch(preset):
    data = make_dataset("counts")
    params = PRESETS["params"] | PRESETS["variants"].get(preset, {})
    params.pop("label", None)
    result = disentangled_ae.integrate(data, seed=0, device="cpu", threads=1, **params, epochs=30)
    z_batch, shifts = d.counterfactuals(result.model, Counts.of(data), data.batch, data.labels)
    assert z_batch.shape == (300, 2)
    assert set(zip(shifts["start"], shifts["end"], strict=True)) == {(0, 1), (1, 0)}
    table = d.evidence({"z_bio": result.X, "z_batch": z_batch}, data.batch, data.labels, shifts)
    values = table.set_index(["measure", "of"])["value"]
    assert (values["counterfactual"] > 0.7).all()
    assert values["batch", "z_batch"] > 0.9
    assert values["cell_type", "z_bio"] > 0.9
    assert values["batch", "cell_type"] < 0.75, "composition tells little of the batch here"


@pytest.mark.parametrize(("condition", "reaches"), [("softmax", True), ("z_batch", True), ("one_hot", False)])
def test_by_default_the_reconstruction_depends_on_z_batch(condition, reaches):
    data = make_dataset("counts")
    options = disentangled_ae.Parameters(condition=condition, dropout=0.0, max_steps=10)
    assert disentangled_ae.Parameters().condition == "softmax"
    model = Autoencoder(options, n_genes=data.X.shape[1], n_batches=2, n_clusters=1)
    part = Cells("cpu", {"counts": Counts.of(data), "batch": data.batch}).take(np.arange(64))
    cluster = part["batch"] * 0
    model.losses(part["counts"], part["batch"], cluster)["reconstruction"].backward()
    gradient = model.to_code.weight.grad
    assert (gradient is not None and bool(gradient.abs().sum() > 0)) is reaches


def test_without_cell_types_there_are_no_probes_of_them(random):
    spaces = {"z_bio": random.normal(size=(60, 3)), "z_batch": random.normal(size=(60, 2))}
    batch, unknown = np.arange(60) % 2, np.full(60, "")
    shifts = pd.DataFrame({"start": [0], "end": [1], "gene": [0], "predicted": [0.1], "observed": [0.2]}).iloc[:0]
    assert set(d.evidence(spaces, batch, unknown, shifts)["measure"]) == {"batch", "cross_correlation"}


def test_an_analysis_of_a_run_is_the_tables_of_its_parts():
    data = make_dataset("counts", n_cells=120)
    params = PRESETS["params"] | {"hidden": [32], "latent_dim": 4}
    result = disentangled_ae.integrate(data, seed=0, device="cpu", threads=1, **params, epochs=3)
    names = pd.Categorical(np.array(data.batch_names)[data.batch])
    layers, obsm = {"counts": data.X}, {"X_pca": data.pca}
    adata = SimpleNamespace(obs=pd.DataFrame({"batch": names}), layers=layers, obsm=obsm)
    parts = {"labels": data.labels, "model": result.model, "embedding": result.X}
    run = SimpleNamespace(adata=adata, data=lambda declared: data, **parts)
    tables = d.analyse(run)
    z_batch, shifts = d.counterfactuals(result.model, Counts.of(data), data.batch, data.labels)
    spaces = {"pca": data.pca, "z_bio": result.X, "z_batch": z_batch}
    assert tables["disentanglement"].equals(d.evidence(spaces, data.batch, data.labels, shifts))
    assert tables["counterfactuals"].equals(shifts)
    matrix = tables["correlations"].pivot(index="z_bio", columns="z_batch", values="correlation")
    assert np.array_equal(matrix.to_numpy(), d.correlations(result.X, z_batch))


def test_the_figure_is_the_same_twice_and_bears_missing_parts(tmp_path, random):
    spaces = {name: random.normal(size=(80, 3)) for name in ("pca", "z_bio", "z_batch")}
    batch, labels = np.arange(80) % 2, np.array(["t1", "t2"])[np.arange(80) // 40]
    genes = np.arange(6)
    shifts = pd.DataFrame(
        {"start": 0, "end": 1, "gene": genes, "predicted": random.normal(size=6), "observed": random.normal(size=6)}
    )
    matrix = d.correlations(spaces["z_bio"], spaces["z_batch"])
    correlation = pd.DataFrame(matrix).rename_axis("z_bio").reset_index()
    correlation = correlation.melt("z_bio", var_name="z_batch", value_name="correlation")
    drawn = {}
    for name, pairs in {"one": shifts, "two": shifts, "none": shifts.iloc[:0]}.items():
        table = d.evidence(spaces, batch, labels, pairs)
        tables = {"disentanglement": table, "correlations": correlation, "counterfactuals": pairs}
        figure = draw_run(tables, "A title")
        save(figure, {suffix: tmp_path / f"{name}.{suffix}" for suffix in ("svg", "tsv")}, table)
        drawn[name] = figure
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "none.svg").exists()
    assert (tmp_path / "one.tsv").read_text() == (tmp_path / "two.tsv").read_text()
    probes, heatmap, changes = drawn["one"].axes[:3]
    heights = table[table["measure"].isin(["batch", "cell_type"]) & (table["of"] != "cell_type")]["value"]
    bars = [bar.get_height() for bar in probes.patches if bar.get_height()]
    assert sorted(bars) == pytest.approx(sorted(heights))
    assert np.allclose(heatmap.images[0].get_array(), matrix.T), "a row for each dimension of z_batch"
    assert np.allclose(changes.collections[0].get_offsets(), shifts[["observed", "predicted"]])
    assert not drawn["none"].axes[2].collections, "no pair of batches: no points"
