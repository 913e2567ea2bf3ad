import pytest
import yaml
from conftest import ROOT

from scbench.config import (
    DEFAULT_FILES,
    deep_merge,
    load_config,
    read_config,
    robust_metrics,
    scored_metrics,
    write_config,
)
from scbench.metrics.catalogue import METRICS
from scbench.plan import plan_runs
from scbench.registry import load_registry
from scbench.types import ConfigError

CONFIGURATIONS = sorted({path.name for path in (ROOT / "config").glob("*.yaml")} - set(DEFAULT_FILES))


def load(root, overrides, *files):
    return load_config(root / "config", overrides, files)


def test_defaults_are_valid(config):
    parts = {"benchmark", "preprocessing", "gene_knowledge", "pretraining", "plots", "metrics", "resources"}
    assert set(config) == parts | {"datasets", "defaults", "methods"}


def test_user_values_are_merged_key_by_key(root):
    mine = {"disentangled_ae": {"params": {"max_steps": 7, "objective": {"mmd": 1.0}}}}
    config = load(root, {"methods": mine, "benchmark": {"seeds": [5]}})
    params = config["methods"]["disentangled_ae"]["params"]
    assert params["max_steps"] == 7
    assert params["objective"] == {"kl": [0.5, 0.1, 0.5], "batch_code": 2.5, "mmd": 1.0}
    assert config["benchmark"]["seeds"] == [5]


def test_a_preset_is_the_lists_of_metrics_and_a_list_replaces_one_of_them(root):
    fast = load(root, {"metrics": {"preset": "fast"}})["metrics"]
    assert {group: fast[group] for group in fast["presets"]["fast"]} == fast["presets"]["fast"]
    mine = load(root, {"metrics": {"preset": "fast", "bio": ["nmi_own"], "extra": []}})["metrics"]
    assert mine["bio"] == ["nmi_own"]
    assert mine["batch"] == fast["batch"]


def test_every_run_is_also_scored_with_the_robust_metrics_which_have_no_silhouette(root):
    metrics = load(root, {"metrics": {"preset": "fast"}})["metrics"]
    robust = robust_metrics(metrics)
    assert robust["bio"]
    assert robust["batch"]
    assert not any(METRICS[name].is_silhouette for names in robust.values() for name in names)
    scored = scored_metrics(metrics)
    assert {group: scored[group] for group in ("bio", "batch")} == {group: metrics[group] for group in ("bio", "batch")}
    listed = [name for names in scored.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(listed) == {name for one in (metrics, robust) for group in one if group in scored for name in one[group]}
    nothing = {"bio": [], "batch": [], "extra": []}
    without = load(root, {"metrics": {"preset": "fast", "presets": {"robust": nothing}}})["metrics"]
    assert scored_metrics(without) == {group: without[group] for group in scored}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_configuration_of_the_folder_is_valid_and_plans_runs(root, name):
    file = root / "config" / name
    config = load(root, yaml.safe_load(file.read_text()), str(file))
    assert plan_runs(config, load_registry(config["methods"]))


def test_merging_leaves_the_update_untouched():
    update = {"a": {"b": 1}}
    deep_merge({}, update)["a"]["b"] = 2
    assert update == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"benchmark": {"seed": [1]}}, ["benchmark.seed", "unknown key", "seeds"]),
        ({"benchmark": {"accelerator": "tpu"}}, ["benchmark.accelerator", "tpu"]),
        ({"benchmark": {"datasets": ["nowhere"]}}, ["benchmark.datasets", "nowhere", "sim_balanced"]),
        ({"datasets": {"mine": {"path": "a.h5ad"}}}, ["datasets.mine", "batch_key"]),
        (
            {"datasets": {"mine": {"path": "a", "url": "http://b", "batch_key": "c", "label_key": None}}},
            ["exactly one"],
        ),
        ({"datasets": {"sim_balanced": {"simulate": {"n_cell": 5}}}}, ["datasets.sim_balanced.simulate.n_cell"]),
        ({"methods": {"vae_nb": {"gpus": 1}}}, ["methods.vae_nb.gpus", "unknown key"]),
        ({"metrics": {"bio": ["nmii"]}}, ["metrics.bio.0", "nmii"]),
        ({"metrics": {"preset": "fastest"}}, ["metrics.preset", "fastest", "fast, scib, robust, full"]),
        ({"metrics": {"extra": ["clisi"]}}, ["metrics", "clisi is in several of the groups"]),
        ({"metrics": {"presets": {"mine": {"bio": []}}}}, ["metrics.presets.mine", "batch"]),
        ({"metrics": {"scaling": "ranks"}}, ["metrics.scaling", "ranks"]),
        ({"metrics": {"weights": {"bio": 0.9}}}, ["metrics.weights", "add up to 1"]),
        ({"datasets": {"summary": {"simulate": {}}}}, ["datasets.summary", "choose another"]),
        ({"nonsense": 1}, ["nonsense", "unknown key"]),
    ],
)
def test_a_mistake_is_named_with_file_key_and_remedy(root, write_yaml, overrides, words):
    file = write_yaml(overrides)
    with pytest.raises(ConfigError) as error:
        load(root, overrides, file)
    for word in [file, *words]:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_a_mistake_on_the_command_line_is_named_so(root):
    with pytest.raises(ConfigError, match="command line"):
        load(root, {"benchmark": {"seed": [1]}})


def test_a_method_has_the_defaults_of_what_it_does_not_say(root, methods):
    methods("mine", "def integrate(data, *, seed, device, threads): ...\n")
    config = load(
        root, {"methods": {"mine": {"label": "Mine", "input": "pca", "gpu": 0}}, "defaults": {"mem_mb": 1234}}
    )
    mine = config["methods"]["mine"]
    assert mine == {**config["defaults"], "label": "Mine", "input": "pca", "gpu": 0}
    assert mine["mem_mb"] == config["methods"]["scvi"]["mem_mb"] == 1234
    assert config["methods"]["unintegrated"]["mem_mb"]["base"] > 0


def test_methods_do_not_share_what_they_have_by_default(root):
    methods = load(root, {})["methods"]
    methods["vae_nb"]["params"]["epochs"] = 1
    assert methods["cvae_nb"]["params"] == load(root, {})["defaults"]["params"] == {}


def test_a_wrong_default_is_refused_like_a_wrong_value_of_a_method(root, write_yaml):
    overrides = {"defaults": {"gpus": 1}}
    with pytest.raises(ConfigError) as error:
        load(root, overrides, write_yaml(overrides))
    assert "mine.yaml: defaults.gpus: unknown key" in str(error.value)


def test_what_is_written_down_is_read_back(config, tmp_path):
    write_config(tmp_path / "results" / "config.yaml", config)
    assert read_config(tmp_path / "results" / "config.yaml") == config
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: does not exist"):
        read_config(tmp_path / "nowhere.yaml")


def test_a_path_replaces_the_simulation_of_a_default_dataset(root):
    mine = {"path": "a.h5ad", "batch_key": "tech", "label_key": None}
    config = load(root, {"datasets": {"sim_balanced": mine}})
    assert config["datasets"]["sim_balanced"] == mine


def test_a_field_of_a_variant_is_checked_like_that_of_a_method(root):
    variant = {"methods": {"scdml": {"variants": {"scdml_oracle_k": {"kind": "winner"}}}}}
    with pytest.raises(ConfigError, match=r"methods\.scdml\.variants\.scdml_oracle_k\.kind.*winner"):
        load(root, variant)
