"""A trunk is pretrained on several datasets, each with its own genes, and taken over by another one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT, make_dataset

from scbench.analyses.few_labels import FRACTIONS, few_labels_table, labelled
from scbench.config import load_config
from scbench.methods import gene_transformer
from scbench.neural.cells import Cells, Counts
from scbench.plan import plan_runs
from scbench.registry import load_registry
from scbench.report.few_labels import gather
from scbench.runner import run
from scbench.transformer import corpus
from scbench.transformer.corpus import Corpus, pretrain
from scbench.transformer.parameters import CorpusParameters
from scbench.types import ConfigError

OPTIONS = CorpusParameters(width=16, n_latents=3, n_heads=2, max_steps=60, batch_size=50)


def of_genes(data, chosen, names=None):
    """The same cells with some of their genes, and with other names for them."""
    names = data.gene_names[chosen] if names is None else names
    return replace(data, X=data.X[:, chosen], gene_names=np.asarray(names))


@pytest.fixture(scope="module")
def datasets():
    """Cells with the genes 0 to 39, cells with the genes 20 to 59 in capitals and another order, and all genes."""
    order = np.random.default_rng(0).permutation(np.arange(20, 60))
    first, second, third = (make_dataset("counts", seed=seed) for seed in range(3))
    return of_genes(first, np.arange(40)), of_genes(second, order, np.char.upper(second.gene_names[order])), third


@pytest.fixture(scope="module")
def trunk(datasets):
    return pretrain(datasets[:2], OPTIONS, seed=0, device="cpu")


def test_the_trunk_knows_the_genes_of_all_datasets_once_and_learns_to_predict_them(trunk):
    state, history = trunk
    assert state["genes"] == sorted(f"GENE_{place}" for place in range(60))
    assert state["weights"]["trunk.learned"].shape == (60, 16)
    assert history["value"].iloc[-1] < history["value"].iloc[0]


def test_every_minibatch_holds_cells_of_one_dataset_and_shows_genes_of_that_one(datasets, monkeypatch):
    seen = []

    class Recording(Corpus):
        def losses(self, counts, dataset):
            place = int(dataset[0])
            assert (dataset == place).all()
            seen.append((place, len(dataset), set(counts.column.tolist())))
            return super().losses(counts, dataset)

    shown = []
    before = corpus.reconstruct
    monkeypatch.setattr(corpus, "Corpus", Recording)
    monkeypatch.setattr(corpus, "MAX_CELLS", 120)
    monkeypatch.setattr(corpus, "reconstruct", lambda trunk, values, genes, *rest: (
        shown.append(set(genes.tolist())) or before(trunk, values, genes, *rest)
    ))  # fmt: skip
    state, _ = pretrain(datasets[:2], replace(OPTIONS, epochs=1), seed=0, device="cpu")
    names = np.array(state["genes"])
    own = [set(np.char.upper(data.gene_names)) for data in datasets[:2]]
    cells = np.zeros(2, dtype=int)
    for (place, n, counted), genes in zip(seen, shown, strict=True):
        assert {names[gene] for gene in counted} <= own[place]
        assert {names[gene] for gene in genes} == own[place]
        cells[place] += n
    assert cells.tolist() == [120, 120], "a large dataset must not dominate"


def test_a_minibatch_shows_at_most_n_genes_and_never_a_hidden_one(datasets):
    options = replace(OPTIONS, n_genes=10, mask=0.3)
    genes = [list(range(40))]
    model = Corpus(options, genes=genes, n_genes=40)
    calls = []
    model.trunk.register_forward_hook(lambda module, given, made: calls.append(given))
    counts = Counts.of(datasets[0])
    model.start_at(counts, np.zeros(300, dtype=int))
    cells = Cells("cpu", {"counts": counts, "dataset": np.zeros(300, dtype=int)})
    model.losses(**cells.take(np.arange(20)))
    ((_, shown, asked),) = calls
    assert len(shown) == 10
    assert len(asked) == 3
    assert not set(shown.tolist()) & set(asked.tolist())


def integrate(data, trunk, **parameters):
    data = replace(data, pretrained=trunk)
    return gene_transformer.integrate(data, seed=0, device="cpu", threads=1, epochs=1, **parameters)


def test_a_fine_tuned_trunk_starts_from_the_pretrained_one_and_a_frozen_one_stays_it(datasets, trunk):
    state, data = trunk[0], datasets[2]
    results = {how: integrate(data, state, adaptation=how) for how in ("fine_tuned", "frozen")}
    rows = {symbol: row for row, symbol in enumerate(state["genes"])}
    for how, result in results.items():
        weights = result.model["weights"]
        taken = [rows[gene.upper()] for gene in result.model["genes"]]
        assert len(taken) == 60
        given, learned = (weights[f"trunk.{name}"] for name in ("given", "learned"))
        assert torch.equal(given, state["weights"]["trunk.given"][taken])
        assert torch.equal(learned, state["weights"]["trunk.learned"][taken]) == (how == "frozen")
        assert torch.equal(weights["trunk.latents"], state["weights"]["trunk.latents"]) == (how == "frozen")
        assert np.isfinite(result.X).all()
    # the normalisation statistics of a frozen trunk are those of the new cells, and do not change in training
    untouched = integrate(data, state, adaptation="zero_shot").model["weights"]
    name = "trunk.norm.running_var"
    assert torch.equal(results["frozen"].model["weights"][name], untouched[name])


def test_genes_that_the_trunk_does_not_know_are_left_out_and_too_few_are_refused(datasets, trunk):
    data = datasets[2]
    names = data.gene_names.copy()
    names[:5] = [f"unknown_{place}" for place in range(5)]
    result = integrate(replace(data, gene_names=names), trunk[0], adaptation="zero_shot")
    assert result.model["genes"] == names[5:].tolist()
    names[9:] = [f"unknown_{place}" for place in range(9, 60)]
    with pytest.raises(ValueError, match="share 4 genes, 10 are needed"):
        integrate(replace(data, gene_names=names), trunk[0], adaptation="fine_tuned")


def test_zero_shot_does_not_depend_on_the_seed_and_says_how_well_it_predicts_hidden_genes(datasets, trunk):
    result = integrate(datasets[2], trunk[0], adaptation="zero_shot")
    other = gene_transformer.integrate(
        replace(datasets[2], pretrained=trunk[0]), seed=1, device="cpu", threads=1, adaptation="zero_shot"
    )
    assert np.array_equal(result.X, other.X)
    assert result.X.shape == (300, 16)
    assert result.history["term"].tolist() == ["masked"]
    assert 0 < result.history["value"].item() < 2


def test_without_a_pretrained_trunk_the_way_it_would_be_used_changes_nothing(datasets):
    first, second = (
        gene_transformer.integrate(datasets[2], seed=0, device="cpu", threads=1, epochs=1, adaptation=how).X
        for how in ("fine_tuned", "frozen")
    )
    assert np.array_equal(first, second)


def test_a_fraction_of_the_cells_is_labelled_with_at_least_one_of_every_type():
    labels = np.array(["common"] * 95 + ["rare"] * 5)
    cells = np.arange(2, 100)
    for fraction, n in ((0.01, 2), (0.1, 10), (1.0, 98)):
        chosen = labelled(cells, labels, fraction, seed=0)
        assert len(chosen) == len(set(chosen)) == n
        assert set(chosen) <= set(cells)
        assert set(labels[chosen]) == {"common", "rare"}
    assert set(labelled(cells, labels, 0.1, seed=0)) != set(labelled(cells, labels, 0.1, seed=1))


def test_few_labels_are_used_by_five_annotators_and_averaged_per_fraction(datasets, trunk, monkeypatch):
    monkeypatch.setattr("scbench.analyses.few_labels.STEPS", 20)
    data = datasets[2]
    state = integrate(data, trunk[0], adaptation="zero_shot").model
    table = few_labels_table(state, Counts.of(data), data.pca, data.batch, data.labels, seed=0)
    annotators = ["zero_shot", "frozen", "fine_tuned", "scratch", "logistic_regression"]
    assert table["annotator"].tolist() == 2 * len(FRACTIONS) * annotators
    assert (table.query("fraction == 1")["n_labelled"] + table.query("fraction == 1")["n_cells"] == 300).all()
    score = table.query("fraction == 1").groupby("annotator")["macro_f1"].mean()
    assert score[["logistic_regression", "scratch", "fine_tuned"]].min() > 0.9
    assert len(few_labels_table(state, Counts.of(data), data.pca, 0 * data.batch, data.labels, seed=0)) == 0

    table = pd.concat([table.assign(dataset="a", method="m", seed=seed) for seed in (0, 1)])
    gathered = gather(table, {})
    assert gathered["fraction"].tolist() == list(FRACTIONS)
    assert gathered["scratch"].iloc[-1] == pytest.approx(score["scratch"])


def test_a_pretrained_method_needs_other_datasets(datasets):
    benchmark = {"datasets": ["sim_donors"], "methods": ["gene_transformer_frozen"], "controls": [], "seeds": [0]}
    config = load_config(ROOT / "config", {"benchmark": benchmark})
    registry = load_registry(config["methods"])
    (planned,) = plan_runs(config, registry)
    assert planned.status == "skipped"
    assert planned.reason == "the trunk is pretrained on the other datasets of the benchmark, and there is none"
    config["benchmark"]["datasets"] = ["sim_donors", "sim_lineage"]
    assert {one.status for one in plan_runs(config, registry)} == {"planned"}
    with pytest.raises(ValueError, match="gene_transformer_frozen needs a pretrained trunk; run it in a benchmark"):
        run(registry["gene_transformer_frozen"], None, dataset="a", seed=0)


def test_parameters_of_pretraining_are_checked_before_any_job():
    with pytest.raises(ConfigError, match=r"pretraining\.width: 10 does not|pretraining\.n_heads: a width of 10"):
        load_config(ROOT / "config", {"pretraining": {"width": 10}})
    with pytest.raises(ConfigError, match=r"pretraining\.mask: 2 is above 0.95"):
        load_config(ROOT / "config", {"pretraining": {"mask": 2}})
