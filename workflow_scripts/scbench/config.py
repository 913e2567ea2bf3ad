"""The configuration: defaults merged with the settings of the user, validated before any job starts."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from scbench.config_checks import (
    Fail,
    check_datasets,
    check_finite,
    check_methods,
    check_metrics,
    check_results,
    check_schema,
    listed,
)
from scbench.config_sources import COMMAND_LINE, Origins, read_yaml
from scbench.metrics.catalogue import METRICS
from scbench.metrics.metric import GROUPS as METRIC_GROUPS
from scbench.metrics.metric import Need
from scbench.paths import is_url
from scbench.plan import plan_runs
from scbench.registry import load_registry
from scbench.types import ConfigError

DEFAULT_FILES = ("config.yaml", "datasets.yaml", "methods.yaml")
NOT_OF_THE_SOURCE = ("citation", "licence", "doi", "embeddings")  # keys of a dataset that do not change its content
METRICS_OF_KEYS: dict[str, Need] = {  # of a dataset
    "condition_key": "conditions",
    "pseudotime_key": "pseudotime",
    "null_split": "null_split",
}
SELECTION_KEYS = ("max_cells", "null_split")  # of a dataset; they choose among its cells


def load_config(folder: Path, overrides: Mapping, override_files: Sequence[str] = ()) -> dict:
    """Merge the three default files with `overrides` and check the result.

    Parameters
    ----------
    folder
        Folder with config.yaml, datasets.yaml, methods.yaml and schemas/.
    overrides
        Values that Snakemake collected from --configfile and --config (or a `module:` statement).
    override_files
        Files that `overrides` came from, in order; used only to name the file in error messages.

    Returns
    -------
    A dict with the keys benchmark, preprocessing, gene_knowledge, metrics, datasets, defaults, methods. The metrics
    bio, batch and extra are lists, and every method is completed with the defaults.

    Raises
    ------
    ConfigError
        If the schemas or the cross-checks reject a value.
    """
    defaults = [(str(folder / name), read_yaml(folder / name)) for name in DEFAULT_FILES]
    if not isinstance(overrides, Mapping):
        raise ConfigError(f"{[*override_files, COMMAND_LINE][0]}: must hold keys and values such as benchmark: {{...}}")
    config: dict = {}
    for _, content in defaults:
        deep_merge(config, content)
    fail = Origins.of(defaults, overrides, override_files).fail
    declared = copy.deepcopy(config["datasets"])
    deep_merge(config, overrides)
    _one_source_each(config, declared, overrides)

    schemas = {name: read_yaml(folder / "schemas" / f"{name}.schema.yaml") for name in ("config", "dataset", "method")}
    check_finite(config, fail)
    check_schema(config, schemas["config"], (), fail)
    config["benchmark"]["results"] = check_results(config["benchmark"]["results"], folder.parent, fail)
    check_datasets(config, schemas["dataset"], fail)
    check_methods(config, schemas["method"], folder.parent, fail)
    for name, entry in config["methods"].items():
        config["methods"][name] = {**copy.deepcopy(config["defaults"]), **entry}
    check_metrics(config["metrics"], fail)
    _choose_metrics(config["metrics"], fail)
    _add_metrics(config)
    _check_plan(config, fail)
    return config


def _check_plan(config: Mapping, fail: Fail) -> None:
    """Check the methods against their code and the lists of `benchmark` against the methods."""
    try:
        plan_runs(config, load_registry(config["methods"], config["datasets"]))
    except ConfigError as error:
        keys, _, problem = str(error).partition(": ")
        fail(keys.split("."), problem)


def _choose_metrics(metrics: dict, fail: Fail) -> None:
    """Fill every group that is not listed from the preset."""
    if metrics["preset"] not in metrics["presets"]:
        fail(("metrics", "preset"), f"'{metrics['preset']}' is not declared; known: {listed(metrics['presets'])}")
    for group, names in metrics["presets"][metrics["preset"]].items():
        metrics.setdefault(group, names)
    chosen = [name for group in METRIC_GROUPS for name in metrics[group]]
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    if twice:
        fail(("metrics",), f"{listed(twice)} is in several of the groups {listed(METRIC_GROUPS)}")


def _add_metrics(config: dict) -> None:
    """Add the metrics that a key of a chosen dataset asks for to the group extra."""
    datasets = [config["datasets"][name] for name in config["benchmark"]["datasets"]]
    asked = {need for key, need in METRICS_OF_KEYS.items() if any(dataset.get(key) for dataset in datasets)}
    chosen = [name for group in METRIC_GROUPS for name in config["metrics"][group]]
    added = [name for name, metric in METRICS.items() if metric.needs & asked and name not in chosen]
    config["metrics"]["extra"] = [*config["metrics"]["extra"], *added]


def scored_metrics(metrics: Mapping) -> dict[str, list[str]]:
    """Return the metrics to compute, {bio, batch, extra: metrics}: extra also holds those of the robust total."""
    chosen = {group: list(metrics[group]) for group in METRIC_GROUPS}
    known = {name for names in chosen.values() for name in names}
    robust = robust_metrics(metrics)
    return chosen | {"extra": chosen["extra"] + [n for names in robust.values() for n in names if n not in known]}


def robust_metrics(metrics: Mapping) -> dict[str, list[str]]:
    """Return {bio, batch: metrics} of the total that every ranking shows beside the chosen one."""
    preset = metrics["presets"].get("robust", {})
    return {group: list(preset.get(group, [])) for group in ("bio", "batch")}


def source_of(dataset: Mapping) -> dict:
    """Return the settings of a dataset that the content of its source depends on."""
    return {key: value for key, value in dataset.items() if key not in (*NOT_OF_THE_SOURCE, *SELECTION_KEYS)}


def selection_of(dataset: Mapping) -> dict:
    """Return the settings of a dataset that choose among its cells; see `scbench.datasets.selection.select`."""
    return {key: dataset[key] for key in SELECTION_KEYS if key in dataset}


def columns_of(dataset: Mapping) -> dict:
    """Return the keys of a simulated dataset that name columns of its cells."""
    return {key: dataset[key] for key in ("label_key", "condition_key") if key in dataset}


def local_files(dataset: Mapping) -> dict[str, str]:
    """Return {key: path} for the user's own files of a dataset; a table of cells may also be a URL."""
    return {key: dataset[key] for key in ("path", "metadata") if key in dataset and not is_url(dataset[key])}


def write_config(path: str | Path, config: Mapping) -> None:
    """Write a merged configuration that `read_config` can read."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True), encoding="utf-8")


def read_config(path: str | Path) -> dict:
    """Read a configuration written by `write_config`.

    Raises
    ------
    ConfigError
        If the file does not exist.
    """
    if not Path(path).exists():
        raise ConfigError(f"{path}: does not exist; name the results folder of a benchmark that was started")
    return read_yaml(Path(path))


def deep_merge(base: dict, update: Mapping) -> dict:
    """Merge `update` into `base` in place; mappings are merged, other values are replaced."""
    for key, value in update.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping):
            deep_merge(base[key], value)
        else:
            base[key] = copy.deepcopy(value)
    return base


def _one_source_each(config: dict, declared: Mapping, overrides: Mapping) -> None:
    """If the user gives a default dataset another source (path, url or simulate), drop the source of the default."""
    kinds = ("simulate", "path", "url")
    datasets = overrides.get("datasets")
    for name, entry in datasets.items() if isinstance(datasets, Mapping) else ():
        chosen = [kind for kind in kinds if isinstance(entry, Mapping) and kind in entry]
        if len(chosen) == 1 and name in declared:
            for kind in kinds:
                if kind != chosen[0]:
                    config["datasets"][name].pop(kind, None)
