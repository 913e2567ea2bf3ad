"""What methods.yaml declares is checked against the methods' own code before any job starts."""

import json
import subprocess
import sys

import pytest

from scbench.analyses.catalogue import ANALYSES
from scbench.config import load_config
from scbench.config_sources import COMMAND_LINE
from scbench.registry import load_registry
from scbench.spec import Spec
from scbench.types import ConfigError


def registry(root, **entries):
    methods = load_config(root / "config", {"methods": entries})["methods"]
    return load_registry({name: methods[name] for name in entries})


def refusal(root, **entries) -> str:
    with pytest.raises(ConfigError) as error:
        registry(root, **entries)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{COMMAND_LINE}: ")


# ---- parameters


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("vae_nb", {"depth": 3}, "depth: unknown parameter; known: "),
        ("unintegrated", {"depth": 3}, "depth: unknown parameter; known: none"),
        ("vae_nb", {"latent_dim": "many"}, "latent_dim: 'many' is not of type int"),
        ("vae_nb", {"epochs": "3"}, "epochs: '3' is not of type int or null"),
        ("vae_nb", {"dropout": True}, "dropout: True is not of type float"),
        ("vae_nb", {"dropout": 2}, "dropout: 2 is above "),
        ("vae_nb", {"latent_dim": 0}, "latent_dim: 0 is below 1"),
        ("vae_nb", {"epochs": 0}, "epochs: 0 is below 1"),
        ("vae_nb", {"learning_rate": 0}, "learning_rate: 0 must be above 0"),
        ("vae_nb", {"learning_rate": float("nan")}, "learning_rate: nan is not a finite number"),
        ("vae_nb", {"hidden": []}, "hidden: the list is empty"),
        ("vae_nb", {"hidden": [128, 0]}, "hidden: 0 is below 1"),
        ("vae_nb", {"likelihood": "cauchy"}, "likelihood: 'cauchy' is not known; choose one of nb, "),
        ("vae_nb", {"condition": "one_hot"}, "condition: 'one_hot' is not known; choose one of none"),
        ("disentangled_ae", {"objective": {"mmdd": 1.0}}, "objective: 'mmdd' is not known"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_key_before_any_job(config, method, params, message):
    config["methods"][method]["params"] |= params
    with pytest.raises(ConfigError) as error:
        load_registry(config["methods"])
    assert str(error.value).startswith(f"methods.{method}.params.{message}")


def test_a_wrong_parameter_of_a_variant_is_named_after_the_variant(config):
    config["methods"]["vae_nb"]["variants"] = {"vae_nb_small": {"latent_dim": 0}}
    with pytest.raises(ConfigError, match=r"^methods\.vae_nb\.variants\.vae_nb_small\.latent_dim: 0 is below 1$"):
        load_registry(config["methods"])


def test_all_parameters_are_known_also_those_that_the_configuration_leaves_out(config):
    config["methods"]["vae_nb"]["params"] = {"hidden": [64]}
    method = load_registry(config["methods"])["vae_nb"]
    assert method.params == {"hidden": [64]}
    assert method.parameters["hidden"] == (64,)
    assert method.parameters["latent_dim"] == 32


# ---- modules


def test_a_method_without_a_module_is_refused(root):
    message = refusal(root, absent={"label": "Absent", "input": "pca"})
    assert message == "methods.absent: there is no module absent.py in workflow_scripts/scbench/methods"


def test_a_module_without_integrate_is_refused_and_told_the_signature(root, methods):
    methods("without", "def run(data):\n    return data\n")
    message = refusal(root, without={"label": "Without", "input": "pca"})
    assert message.startswith("methods.without: workflow_scripts/scbench/methods/without.py has no function integrate(")
    assert "data, *, seed, device, threads" in message


def test_a_module_that_imports_a_missing_package_at_its_top_is_told_to_import_it_inside(root, methods):
    methods("eager", "import no_such_package\n\ndef integrate(data, *, seed, device, threads): ...\n")
    message = refusal(root, eager={"label": "Eager", "input": "pca"})
    assert message.startswith("methods.eager: workflow_scripts/scbench/methods/eager.py cannot be imported (No module")
    assert "no_such_package" in message
    assert "import the packages of the method inside integrate" in message


def test_a_package_imported_inside_integrate_is_no_obstacle(root, methods):
    methods("lazy", "def integrate(data, *, seed, device, threads):\n    import no_such_package\n")
    assert registry(root, lazy={"label": "Lazy", "input": "pca"})["lazy"].module == "lazy"


def test_reading_the_registry_loads_no_package_that_only_jobs_have(root):
    code = """
import json, sys
from pathlib import Path
from scbench.config import load_config
from scbench.config_sources import COMMAND_LINE
from scbench.registry import load_registry
load_registry(load_config(Path("../config"), {})["methods"])
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root / "workflow_scripts", capture_output=True, text=True, check=True
    )
    assert not set(json.loads(done.stdout)) & {"torch", "scanpy", "anndata", "pandas", "sklearn", "harmonypy", "faiss"}


# ---- fields


def test_a_field_that_is_not_declared_has_the_default_of_methods_yaml(root):
    method = registry(root, unintegrated={"mem_mb": 500})["unintegrated"]
    assert (method.mem_mb, method.threads, method.kind, method.env) == (500, 1, "baseline", "embed")
    entry = {"defaults": {"runtime": 77, "gpu": 3}, "methods": {"harmony": {"label": "Mine"}}}
    methods = load_registry(load_config(root / "config", entry)["methods"])
    assert (methods["scvi"].runtime, methods["scvi"].gpu) == (77, 3)
    assert (methods["harmony"].gpu, methods["harmony"].label) == (0, "Mine")


def test_an_unknown_analysis_is_refused_with_those_that_are_known(root):
    message = refusal(root, vae_nb={"analyses": ["astrology"]})
    assert message == f"methods.vae_nb.analyses: 'astrology' is not known; known: {', '.join(ANALYSES)}"


def test_an_analysis_gets_the_files_it_reads_of_every_method_that_declares_it(config):
    for id_, method in load_registry(config["methods"]).items():
        for name in method.analyses:
            written = ["embedding", *(["history", "model"] if method.trained else []), *method.tables]
            assert set(ANALYSES[name].reads) <= set(written), f"{id_}: {name}"


def test_what_a_run_depends_on_is_its_spec_and_not_how_it_is_shown(config):
    before = load_registry(config["methods"])["scdml"].spec
    config["methods"]["scdml"] |= {"label": "Other", "kind": "baseline", "mem_mb": 1, "doi": None, "analyses": []}
    assert load_registry(config["methods"])["scdml"].spec == before
    config["methods"]["scdml"]["params"] = {"latent_dim": 3}
    assert load_registry(config["methods"])["scdml"].spec != before
    assert Spec(**before).module == "scdml"


# ---- variants


def test_a_variant_is_a_method_of_its_own_served_by_the_same_module(config):
    config["methods"]["vae_nb"]["variants"] = {"vae_nb_small": {"latent_dim": 4}}
    registry = load_registry(config["methods"])
    assert registry["vae_nb_small"].module == "vae_nb"
    assert registry["vae_nb_small"].params == {**registry["vae_nb"].params, "latent_dim": 4}
    assert registry["vae_nb_small"].label == "VAE (NB) [vae_nb_small]"


def test_a_variant_may_declare_that_it_uses_labels_and_is_then_reported_apart(config):
    registry = load_registry(config["methods"])
    given, plain = registry["scdml_oracle_k"], registry["scdml"]
    assert (given.uses_labels, plain.uses_labels) == (True, False)
    published = registry["scdml_published"].params
    assert {**given.params, "eigengap": "two_step"} == published
    assert plain.params == {}
    assert (given.reported_kind, plain.reported_kind) == ("supervised", "method")
    assert registry["cell_type_oracle"].reported_kind == "control"


def test_a_variant_may_declare_other_analyses(config):
    config["methods"]["disentangled_ae"]["variants"]["disentangled_ae_plain"]["analyses"] = []
    registry = load_registry(config["methods"])
    assert registry["disentangled_ae_plain"].analyses == []
    assert registry["disentangled_ae_cycle"].analyses == ["disentanglement", "query_mapping", "tuning"]


def test_a_variant_cannot_take_the_id_of_a_method(config):
    config["methods"]["vae_nb"]["variants"] = {"harmony": {}}
    with pytest.raises(ConfigError, match=r"methods\.vae_nb\.variants\.harmony: this id is taken"):
        load_registry(config["methods"])
