"""The configuration: defaults merged with the settings of the user, validated before any job starts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml
from jsonschema import Draft202012Validator

from scbench.datasets.external import check_source
from scbench.datasets.parameters import SimulationParameters
from scbench.metrics.catalogue import METRICS
from scbench.metrics.metric import GROUPS as METRIC_GROUPS
from scbench.metrics.metric import Need
from scbench.parameters import ParameterError
from scbench.paths import is_url
from scbench.types import ConfigError

RESERVED_IDS = ("summary", "partial", "tables", "figures", "paper", "logs", "overall", "robust")
DEFAULT_FILES = ("config.yaml", "datasets.yaml", "methods.yaml")
COMMAND_LINE = "the command line (--config)"
NOT_OF_THE_SOURCE = ("citation", "licence", "doi", "embeddings")  # keys of a dataset that do not change its content
METRICS_OF_KEYS: dict[str, Need] = {"condition_key": "conditions", "null_split": "null_split"}  # of a dataset
SELECTION_KEYS = ("max_cells", "null_split")  # of a dataset; they choose among its cells
Fail = Callable[[Sequence, str], NoReturn]  # (keys of the invalid value, problem)


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
    sources = [(str(folder / name), _read_yaml(folder / name)) for name in DEFAULT_FILES]
    config: dict = {}
    for _, content in sources:
        deep_merge(config, content)
    defaults = copy.deepcopy(config)
    deep_merge(config, overrides)
    _one_source_each(config, defaults, overrides)
    sources += [(name, _read_yaml(Path(name))) for name in override_files if Path(name).exists()]
    sources.append((COMMAND_LINE, {} if override_files else dict(overrides)))

    def fail(keys: Sequence, problem: str) -> NoReturn:
        raise ConfigError(f"{origin(keys, sources)}: {'.'.join(map(str, keys))}: {problem}")

    schemas = {
        name: Draft202012Validator(_read_yaml(folder / "schemas" / f"{name}.schema.yaml"))
        for name in ("config", "dataset", "method")
    }
    _check(config, schemas["config"], (), fail)
    _check_datasets(config, schemas["dataset"], fail)
    _check_methods(config, schemas["method"], fail)
    _check_metrics(config["metrics"], fail)
    _choose_metrics(config["metrics"], fail)
    _add_metrics(config)
    return config


def _check_datasets(config: Mapping, schema: Draft202012Validator, fail: Fail) -> None:
    for name, entry in config["datasets"].items():
        if name in RESERVED_IDS:
            fail(("datasets", name), "this id names a part of the results; choose another")
        _check(entry, schema, ("datasets", name), fail)
        if "simulate" in entry:
            try:
                SimulationParameters.of(entry["simulate"])
            except ParameterError as error:
                key, _, problem = str(error).partition(": ")
                fail(("datasets", name, "simulate", key), problem)
    for name in config["benchmark"]["datasets"]:
        if name not in config["datasets"]:
            fail(("benchmark", "datasets"), f"'{name}' is not declared; known: {_listed(config['datasets'])}")
        for id_, settings in config["datasets"][name].get("embeddings", {}).items():
            try:
                check_source(settings)
            except ParameterError as error:
                key, _, problem = str(error).partition(": ")
                fail(("datasets", name, "embeddings", id_, key), problem)


def _check_methods(config: dict, schema: Draft202012Validator, fail: Fail) -> None:
    """Check every method and complete it with the defaults."""
    _check(config["defaults"], Draft202012Validator(schema.schema | {"required": []}), ("defaults",), fail)
    for name, entry in config["methods"].items():
        _check(entry, schema, ("methods", name), fail)
        config["methods"][name] = {**copy.deepcopy(config["defaults"]), **entry}


def _check_metrics(metrics: Mapping, fail: Fail) -> None:
    """Reject unknown metrics and metrics in a group where they do not count."""
    if abs(sum(metrics["weights"].values()) - 1) > 1e-9:
        fail(("metrics", "weights"), "must add up to 1")
    presets: dict[tuple[str, ...], Mapping] = {
        ("metrics", "presets", name): preset for name, preset in metrics["presets"].items()
    }
    for keys, groups in {("metrics",): metrics, **presets}.items():
        for group in METRIC_GROUPS:
            for position, name in enumerate(groups.get(group, [])):
                if name not in METRICS:
                    fail((*keys, group, position), f"'{name}' is no metric; known: {_listed(METRICS)}")
                if group not in METRICS[name].groups:
                    places = " or ".join(METRICS[name].groups)
                    fail((*keys, group, position), f"'{name}' does not count under {group}; list it under {places}")


def _choose_metrics(metrics: dict, fail: Fail) -> None:
    """Fill every group that is not listed from the preset."""
    if metrics["preset"] not in metrics["presets"]:
        fail(("metrics", "preset"), f"'{metrics['preset']}' is not declared; known: {_listed(metrics['presets'])}")
    for group, names in metrics["presets"][metrics["preset"]].items():
        metrics.setdefault(group, names)
    listed = [name for group in METRIC_GROUPS for name in metrics[group]]
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if twice:
        fail(("metrics",), f"{_listed(twice)} is in several of the groups {_listed(METRIC_GROUPS)}")


def _add_metrics(config: dict) -> None:
    """Add the metrics that a key of a chosen dataset asks for to the group extra."""
    datasets = [config["datasets"][name] for name in config["benchmark"]["datasets"]]
    asked = {need for key, need in METRICS_OF_KEYS.items() if any(dataset.get(key) for dataset in datasets)}
    listed = [name for group in METRIC_GROUPS for name in config["metrics"][group]]
    added = [name for name, metric in METRICS.items() if metric.needs & asked and name not in listed]
    config["metrics"]["extra"] = [*config["metrics"]["extra"], *added]


def scored_metrics(metrics: Mapping) -> dict[str, list[str]]:
    """Return the metrics to compute, {bio, batch, extra: metrics}: extra also holds those of the robust total."""
    chosen = {group: list(metrics[group]) for group in METRIC_GROUPS}
    listed = {name for names in chosen.values() for name in names}
    robust = robust_metrics(metrics)
    return chosen | {"extra": chosen["extra"] + [n for names in robust.values() for n in names if n not in listed]}


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
    return _read_yaml(Path(path))


def deep_merge(base: dict, update: Mapping) -> dict:
    """Merge `update` into `base` in place; mappings are merged, other values are replaced."""
    for key, value in update.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping):
            deep_merge(base[key], value)
        else:
            base[key] = copy.deepcopy(value)
    return base


def origin(keys: Sequence, sources: Sequence[tuple[str, Mapping]]) -> str:
    """Return the name of the last source that sets `keys`, or the longest leading part of them that any source sets."""
    for length in range(len(keys), 0, -1):
        for name, content in reversed(sources):
            if _has(content, keys[:length]):
                return name
    return sources[0][0]


def _one_source_each(config: dict, defaults: Mapping, overrides: Mapping) -> None:
    """If the user gives a default dataset another source (path, url or simulate), drop the source of the default."""
    kinds = ("simulate", "path", "url")
    for name, entry in (overrides.get("datasets") or {}).items():
        chosen = [kind for kind in kinds if isinstance(entry, Mapping) and kind in entry]
        if len(chosen) == 1 and name in defaults["datasets"]:
            for kind in kinds:
                if kind != chosen[0]:
                    config["datasets"][name].pop(kind, None)


def _check(value: Any, schema: Draft202012Validator, prefix: tuple, fail: Fail) -> None:
    errors = sorted(schema.iter_errors(value), key=lambda e: list(e.path))
    if not errors:
        return
    error = errors[0]
    keys = (*prefix, *error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.schema.get("properties"), dict):
        unknown = sorted(set(error.instance) - set(error.schema["properties"]))[0]
        fail((*keys, unknown), f"unknown key; known: {_listed(error.schema['properties'])}")
    if error.validator == "oneOf":
        fail(keys, "needs exactly one of simulate | path | url; path and url also need batch_key and label_key")
    fail(keys, error.message)


def _has(content, keys: Sequence) -> bool:
    for key in keys:
        if (isinstance(content, Mapping) and key in content) or (
            isinstance(content, list) and isinstance(key, int) and key < len(content)
        ):
            content = content[key]
        else:
            return False
    return True


def _read_yaml(path: Path) -> dict:
    try:
        return yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {error}") from error


def _listed(names) -> str:
    return ", ".join(map(str, names))
