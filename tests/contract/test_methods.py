"""Every method of the registry keeps the contract of DESIGN section 6, by being declared.

What takes training is done once for each code path of a module; what does not is done for every id.
"""

import copy
import dataclasses

import numpy as np
import pytest
from conftest import ROOT, make_dataset
from scipy import sparse

from scbench.autoencoders.autoencoder import Autoencoder
from scbench.autoencoders.count_vae import CountVae
from scbench.autoencoders.parameters import TERMS
from scbench.checks import check_embedding
from scbench.config import load_config
from scbench.devices import DeviceError, choose_device
from scbench.files import read_model, write_model
from scbench.metric_learning.network import MixingNetwork, TripletNetwork
from scbench.neural import automatic
from scbench.neural.cells import Cells, Counts
from scbench.neural.fit import load
from scbench.neural.training import apply
from scbench.provenance import missing_packages
from scbench.registry import load_registry
from scbench.runner import call
from scbench.spec import METHODS_FOLDER, Method, parameters_class
from scbench.transformer.corpus import pretrain
from scbench.transformer.parameters import CorpusParameters
from scbench.transformer.pretraining import Integration, Pretraining
from scbench.types import ContractError, Embedding

REGISTRY = load_registry(load_config(ROOT / "config", {})["methods"])
MODULES = {method.module: method for method in reversed(REGISTRY.values())}  # a module's first id has its name
FEW = {"n_cells": 160, "n_genes": 40}
SHORT = CorpusParameters(width=16, epochs=1)
KINDS = (CountVae, Autoencoder, TripletNetwork, MixingNetwork, Pretraining, Integration)

# What no id of the registry asks for, but its users may.
FURTHER = [
    ("vae_nb", {"likelihood": "gaussian", "encoder_norm": "domain", "average": 0.9}),
    ("cvae_nb", {"likelihood": "poisson", "size_factor": "concat", "encoder_norm": "none", "activation": "relu"}),
    ("cvae_nb", {"prior": "mog", "free_bits": 0.1, "decoder_norm": "none", "held_out": 0.2}),
    ("cvae_nb", {"encoder_norm": "layer", "decoder_norm": "batch", "condition_encoder": True}),
    ("disentangled_ae", {"objective": {"batch_code": 1.0, "batch_code_kl": 0.1}, "condition": "z_batch", "mask": 0.1}),
    ("disentangled_ae", {"objective": {"adversary": 1.0}, "condition": "none", "held_out": 0.2, "hidden": [32]}),
    ("scdml_iterative", {"mining": "random", "balanced": False, "unit": False}),
    ("scdml_iterative", {"mining": "hard", "rounds": 0}),
    ("gene_transformer", {"prior": "normal"}),
    ("gene_transformer", {"prior": "mog"}),
    ("gene_transformer_plain", {"attention": "full", "position": "none", "depth": 2}),
    ("gene_transformer_plain", {"position": "random", "depth": 0}),
]


def traits(method: Method) -> set[tuple]:
    """What the code branches on: choices, flags, terms of the objective, whether a number is 0, whether it is null."""
    found = {("labels", method.uses_labels), ("vectors", bool(method.gene_vectors)), ("trunk", method.pretrained)}
    for name, value in method.parameters.items():
        if isinstance(value, dict):
            found |= {(name, term) for term in value}
        elif isinstance(value, str | bool | None):
            found.add((name, value))
        else:
            found.add((name, value != 0))
    return {(method.module, *trait) for trait in found}


def code_paths() -> dict[str, Method]:
    """The ids that are the first to have a trait, and the further ones."""
    seen: set[tuple] = set()
    chosen = {}
    for id_, method in REGISTRY.items():
        if traits(method) - seen:
            chosen[id_] = method
            seen |= traits(method)
    for module, params in FURTHER:
        method = dataclasses.replace(MODULES[module], params=MODULES[module].params | params)
        assert traits(method) - seen, f"{params} of {module} is trained already"
        chosen[f"{module}, {params}"] = method
        seen |= traits(method)
    return chosen


PATHS = code_paths()


def data_of(method):
    data = make_dataset(method.input, **FEW)
    if method.gene_vectors:
        vectors = np.random.default_rng(0).random((FEW["n_genes"], 9), np.float32)
        data = dataclasses.replace(data, gene_vectors=dict.fromkeys(method.gene_vectors, vectors))
    if method.pretrained:
        state, _ = pretrain([data, make_dataset(method.input, **FEW, seed=1)], SHORT, seed=0, device="cpu")
        data = dataclasses.replace(data, pretrained=state)
    return data if method.uses_labels else dataclasses.replace(data, labels=None)


def run(method, data, seed=0, **changes):
    missing = missing_packages(method.packages)
    if missing:
        pytest.skip(f"{missing[0]} is not installed; run `make reference`")
    short = {name: value for name, value in {"epochs": 2, "dimred": 10}.items() if name in method.parameters}
    return call(method.module, data, seed=seed, device="cpu", threads=1, params=method.params | short | changes)


def same(one, other) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    one, other = (value.toarray() if sparse.issparse(value) else value for value in (one, other))
    return np.array_equal(one, other)


@pytest.mark.parametrize("path", PATHS)
def test_contract(path, tmp_path):
    method = PATHS[path]
    data = data_of(method)
    before = copy.deepcopy(data)
    first, again = run(method, data), run(method, data)
    check_embedding(path, first, data.n_cells)
    assert np.array_equal(first.X, again.X), "same seed, same bits"
    if first.graph is not None:
        for name in ("connectivities", "distances"):
            assert same(getattr(first.graph, name), getattr(again.graph, name)), name
    for field in dataclasses.fields(data):
        assert same(getattr(data, field.name), getattr(before, field.name)), f"{field.name} of the input is unchanged"
    assert set(first.tables) == set(method.tables)
    assert method.trained == (first.model is not None)
    if method.trained:
        assert not first.history.empty
        assert first.history.equals(again.history)
        assert not first.history.duplicated(["epoch", "term"]).any()
        write_model(tmp_path / "model.pt", first.model)
        model = load(read_model(tmp_path / "model.pt"), *KINDS)
        matrix = {"x": data.X} if method.input == "lognorm" else {"counts": Counts.of(data)}
        cells = Cells("cpu", {**matrix, "batch": data.batch})
        assert np.array_equal(apply(model.embed, cells), first.X), "a stored model gives the embedding again"


@pytest.mark.parametrize("module", [name for name, method in MODULES.items() if method.stochastic])
def test_another_seed_gives_another_result(module):
    method = MODULES[module]
    data = data_of(method)
    assert not np.array_equal(run(method, data).X, run(method, data, seed=1).X)


def test_every_choice_and_every_term_of_the_methods_is_a_code_path():
    def family(method):
        bases = parameters_class(method.module).__mro__
        return next(base for base in bases if not base.__module__.startswith("scbench.methods"))

    trained = {(family(method), name, value) for method in PATHS.values() for _, name, value in traits(method)}
    for method in MODULES.values():
        for field in dataclasses.fields(parameters_class(method.module)):
            for value in field.metadata.get("known") or ():
                assert (family(method), field.name, value) in trained, (method.module, field.name, value)
            if isinstance(field.default, bool):
                for value in (True, False):
                    assert (family(method), field.name, value) in trained, (method.module, field.name, value)
    terms = {value for _, name, value in trained if name == "objective"}
    assert terms | {"reconstruction"} == set(TERMS)


@pytest.mark.parametrize("module", [name for name, method in MODULES.items() if method.trained])
def test_every_parameter_that_may_be_null_is_chosen_for_the_user(module, monkeypatch):
    method = MODULES[module]
    monkeypatch.setattr(automatic, "epochs", lambda *sizes: 1)
    nothing = {}
    for name in method.parameters:
        try:
            parameters_class(module).of(method.params | {name: None})
        except ValueError:
            continue
        nothing[name] = None
    assert nothing
    result = run(method, data_of(method), **({"epochs": 1} | nothing))
    assert len(np.unique(result.X, axis=0)) > 100, "the cells are told apart"


@pytest.mark.parametrize("id_", REGISTRY)
def test_environment_exists(id_):
    assert (ROOT / "envs" / f"{REGISTRY[id_].env}.yaml").exists()


@pytest.mark.parametrize("id_", REGISTRY)
def test_its_parameters_are_valid_and_complete(id_):
    method = REGISTRY[id_]
    complete = method.parameters
    assert parameters_class(method.module).of(complete) == parameters_class(method.module).of(method.params)
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in method.params.items()}
    assert {name: complete[name] for name in given} == given


class Untouchable:
    """Data that nothing may look at."""

    def __getattr__(self, name):
        raise AssertionError(f"the data were asked for {name}")


@pytest.mark.parametrize("id_", REGISTRY)
def test_an_unknown_parameter_is_refused_before_anything_is_computed(id_):
    method = REGISTRY[id_]
    params = method.params | {"no_such_parameter": 1}
    with pytest.raises((TypeError, ValueError), match="no_such_parameter"):
        call(method.module, Untouchable(), seed=0, device="cpu", threads=1, params=params)


def test_no_module_is_orphaned():
    modules = {path.stem for path in METHODS_FOLDER.glob("*.py")} - {"__init__"}
    assert modules == {method.module for method in REGISTRY.values()}


def test_methods_that_declare_labels_are_controls_or_references():
    assert all(method.kind in ("control", "reference") for method in REGISTRY.values() if method.uses_labels)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros((3, 2)), "float64"),
        (np.zeros((2, 3), np.float32), r"\(2, 3\) for 3 cells"),
        (np.full((3, 2), np.nan, np.float32), "not finite"),
        (np.zeros(3, np.float32), "two-dimensional"),
    ],
)
def test_an_embedding_that_breaks_the_contract_is_refused(X, words):
    with pytest.raises(ContractError, match=words):
        check_embedding("here", Embedding(X=X), 3)


def test_a_gpu_that_is_not_there_is_an_error_and_auto_is_not():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(DeviceError, match="accelerator"):
        choose_device("gpu", wants_gpu=True)
    assert choose_device("auto", wants_gpu=True) == "cpu"
    assert choose_device("gpu", wants_gpu=False) == "cpu"
