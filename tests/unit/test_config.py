import pytest

from scbench.config import ConfigError, deep_merge, load_config
from scbench.registry import load_registry


def load(root, overrides, *files):
    return load_config(root / "config", overrides, files)


def test_defaults_are_valid(config):
    assert set(config) == {"benchmark", "preprocessing", "gene_knowledge", "metrics", "datasets", "methods"}


def test_user_values_are_merged_key_by_key(root):
    config = load(root, {"methods": {"vae_nb": {"params": {"max_steps": 7}}}, "benchmark": {"seeds": [5]}})
    assert config["methods"]["vae_nb"]["params"]["max_steps"] == 7
    assert config["methods"]["vae_nb"]["params"]["latent_dim"] == 32
    assert config["benchmark"]["seeds"] == [5]


def test_a_preset_is_the_lists_of_metrics_and_a_list_replaces_one_of_them(root):
    fast = load(root, {"metrics": {"preset": "fast"}})["metrics"]
    assert {group: fast[group] for group in fast["presets"]["fast"]} == fast["presets"]["fast"]
    mine = load(root, {"metrics": {"preset": "fast", "bio": ["nmi_own"], "extra": []}})["metrics"]
    assert mine["bio"] == ["nmi_own"]
    assert mine["batch"] == fast["batch"]


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
        ({"metrics": {"preset": "fastest"}}, ["metrics.preset", "fastest", "fast, scib, full"]),
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


def test_a_path_replaces_the_simulation_of_a_default_data_set(root):
    mine = {"path": "a.h5ad", "batch_key": "tech", "label_key": None}
    config = load(root, {"datasets": {"sim_balanced": mine}})
    assert config["datasets"]["sim_balanced"] == mine


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"depth": 3}, ["depth", "unknown parameter"]),
        ({"latent_dim": "many"}, ["latent_dim", "int"]),
        ({"epochs": "3"}, ["epochs", "int | None"]),
        ({"dropout": True}, ["dropout", "float"]),
    ],
)
def test_a_wrong_parameter_of_a_method_is_refused_before_any_job(config, params, words):
    config["methods"]["vae_nb"]["params"].update(params)
    with pytest.raises(ConfigError) as error:
        load_registry(config["methods"])
    assert all(word in str(error.value) for word in words)


def test_a_variant_is_a_method_of_its_own_served_by_the_same_module(config):
    config["methods"]["vae_nb"]["variants"] = {"vae_nb_small": {"latent_dim": 4}}
    registry = load_registry(config["methods"])
    assert registry["vae_nb_small"].module == "vae_nb"
    assert registry["vae_nb_small"].params == {**registry["vae_nb"].params, "latent_dim": 4}


def test_a_variant_may_declare_that_it_uses_labels_and_is_then_reported_apart(config):
    registry = load_registry(config["methods"])
    given, plain = registry["scdml_oracle_k"], registry["scdml"]
    assert (given.uses_labels, plain.uses_labels) == (True, False)
    assert given.params == plain.params
    assert (given.reported_kind, plain.reported_kind) == ("supervised", "method")
    assert registry["cell_type_oracle"].reported_kind == "control"


def test_a_field_of_a_variant_is_checked_like_that_of_a_method(root):
    variant = {"methods": {"scdml": {"variants": {"scdml_oracle_k": {"kind": "winner"}}}}}
    with pytest.raises(ConfigError, match=r"methods\.scdml\.variants\.scdml_oracle_k\.kind.*winner"):
        load(root, variant)


def test_a_variant_cannot_take_the_id_of_a_method(config):
    config["methods"]["vae_nb"]["variants"] = {"harmony": {}}
    with pytest.raises(ConfigError, match="taken"):
        load_registry(config["methods"])
