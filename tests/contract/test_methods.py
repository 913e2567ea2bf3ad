"""Every method of the registry keeps the contract of DESIGN section 6, by being declared."""

import copy
import dataclasses

import numpy as np
import pytest
from conftest import ROOT, make_dataset
from scipy import sparse

from scbench.checks import check_embedding
from scbench.config import load_config
from scbench.registry import METHODS_FOLDER, load_registry, method_parameters
from scbench.runner import DeviceError, choose_device, run_method
from scbench.types import ContractError, Embedding

REGISTRY = load_registry(load_config(ROOT / "config", {})["methods"])
SHORT = {"epochs": 2}


def run(id_, data, seed=0):
    method = REGISTRY[id_]
    params = method.params | {k: v for k, v in SHORT.items() if k in method_parameters(method.module)}
    return run_method(method.module, data, seed=seed, device="cpu", threads=1, params=params)


def values(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else matrix


@pytest.mark.parametrize("id_", REGISTRY)
def test_contract(id_):
    method = REGISTRY[id_]
    data = make_dataset(method.input)
    if not method.uses_labels:
        data = dataclasses.replace(data, labels=None)
    before = copy.deepcopy(data)
    first, again = run(id_, data), run(id_, data)
    check_embedding(id_, first, data.n_cells)
    assert np.array_equal(first.X, again.X), "same seed, same bits"
    assert np.array_equal(values(data.X), values(before.X)), "the input is unchanged"
    assert np.array_equal(data.batch, before.batch)
    assert method.trained == (first.model is not None)
    assert not method.trained or first.history is not None
    if method.stochastic:
        assert not np.array_equal(first.X, run(id_, data, seed=1).X), "another seed, another result"


@pytest.mark.parametrize("id_", REGISTRY)
def test_environment_exists(id_):
    assert (ROOT / "envs" / f"{REGISTRY[id_].env}.yaml").exists()


@pytest.mark.parametrize("id_", REGISTRY)
def test_an_unknown_parameter_is_refused(id_):
    data = make_dataset(REGISTRY[id_].input)
    with pytest.raises(TypeError, match="no_such_parameter"):
        run_method(REGISTRY[id_].module, data, seed=0, device="cpu", threads=1, params={"no_such_parameter": 1})


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
