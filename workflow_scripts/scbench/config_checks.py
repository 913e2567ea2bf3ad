"""Checks of the merged configuration: the schemas, and what no schema can say. Every problem is one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jsonschema import Draft202012Validator, ValidationError, validators

from scbench.datasets.addresses import problem_of
from scbench.datasets.external import check_source
from scbench.datasets.parameters import SimulationParameters
from scbench.metrics.catalogue import METRICS
from scbench.metrics.metric import GROUPS as METRIC_GROUPS
from scbench.parameters import ParameterError
from scbench.paths import is_url
from scbench.transformer.parameters import CorpusParameters

# Names in the results folder beside those of datasets: folders, tables, and what figures are called after.
RESERVED_IDS = (
    *("summary", "partial", "tables", "figures", "paper", "logs", "overall", "robust", "ranking", "datasets"),
    *("calibration", "published", "claims", "disentanglement", "annotation", "download"),
    *("gene_knowledge", "gene_table", "pretraining"),
)
PARTS_OF_THE_PROJECT = ("config", "docs", "envs", "plugins", "profiles", "report", "rules", "tests", "workflow_scripts")
Fail = Callable[[Sequence, str], NoReturn]  # (keys of the invalid value, problem)

Strict = validators.extend(  # in JSON, 1.0 is an integer; here it would become a folder seed1.0
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)


def check_schema(value: Any, schema: Mapping, prefix: tuple, fail: Fail) -> None:
    """Check a part of the configuration, which is at the keys `prefix`, against its schema."""
    errors = sorted(Strict(schema).iter_errors(value), key=lambda error: [str(key) for key in error.path])
    if not errors:
        return
    error = errors[0]
    keys = (*prefix, *error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.schema.get("properties"), dict):
        unknown = sorted(set(error.instance) - set(error.schema["properties"]), key=str)[0]
        fail((*keys, unknown), f"unknown key; known: {listed(error.schema['properties'])}")
    if error.validator == "oneOf":
        fail(keys, "needs exactly one of simulate | path | url; path and url also need batch_key and label_key")
    fail(keys, _words(error))


def _words(error: ValidationError) -> str:
    """Return the problem with a value in words of the documentation."""
    value, limit = error.instance, error.validator_value
    match error.validator:
        case "minimum":
            return f"{value} is below {limit}"
        case "maximum":
            return f"{value} is above {limit}"
        case "exclusiveMinimum":
            return f"{value} must be above {limit}"
        case "minItems" | "minLength":
            return "is empty; write at least one" if len(value) == 0 else f"needs at least {limit}"
        case "maxLength":
            return f"{value[:20]!r}... has {len(value)} characters; at most {limit} are allowed"
        case "uniqueItems":
            twice = next(one for place, one in enumerate(value) if one in value[:place])
            return f"{twice!r} stands twice; remove one"
        case "enum":
            return f"{value!r} is not known; choose one of {listed(limit)}"
        case "pattern":
            return f"{value!r} is not allowed: {error.schema.get('description', f'it must match {limit}')}"
        case "type":
            names = " or ".join([limit] if isinstance(limit, str) else limit)
            known = {"integer": "a whole number", "array": "a list", "object": "keys and values", "string": "text"}
            quoted = isinstance(value, str) and "integer" in names + "number" and value.replace(".", "", 1).isdigit()
            wanted = " or ".join(known.get(name, name) for name in names.split(" or "))
            return f"{value!r} is not {wanted}" + ("; write it without quotes" if quoted else "")
    return error.message


def check_finite(config: Any, fail: Fail) -> None:
    """Reject .nan and .inf anywhere: they pass every comparison with a limit, or none."""
    for keys, value in _leaves(config, ()):
        if isinstance(value, float) and not math.isfinite(value):
            fail(keys, f"{value} is not a finite number; write a number")


def _leaves(value: Any, keys: tuple) -> Iterator[tuple[tuple, Any]]:
    if isinstance(value, Mapping | list):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _leaves(inner, (*keys, key))
    else:
        yield keys, value


def check_results(results: str, project: Path, fail: Fail) -> str:
    """Return the folder of results without a slash at its end, or reject one that would overwrite the workflow."""
    keys = ("benchmark", "results")
    if unsafe := sorted({letter for letter in results if letter in "{}*?" or not letter.isprintable()}):
        fail(keys, f"{results!r} has the character {unsafe[0]!r}, which has a meaning in Snakemake; leave it out")
    if results.startswith("~"):
        fail(keys, f"{results}: ~ is not replaced by your home folder here; write the whole path")
    if results != results.strip():
        fail(keys, f"{results!r} begins or ends with a space; remove it")
    if any(len(part.encode()) > 255 for part in Path(results).parts):
        fail(keys, "a name of more than 255 bytes is not possible; choose a shorter one")
    folder, project = Path(results).resolve(), project.resolve()
    if folder in (project, *project.parents) or any(folder == project / name for name in PARTS_OF_THE_PROJECT):
        fail(keys, f"{results} holds the workflow itself; name a folder of its own, such as results")
    return str(Path(results))


def check_datasets(config: Mapping, schema: Mapping, fail: Fail) -> None:
    """Check every dataset, the files of the embeddings of those that are chosen, and the URLs of gene tables."""
    genes = config["gene_knowledge"]
    _check_urls(genes["sources"], genes.get("private_url"), ("gene_knowledge", "sources"), fail)
    for name, entry in config["datasets"].items():
        if name in RESERVED_IDS:
            fail(("datasets", name), "this id names a part of the results; choose another")
        if isinstance(entry, Mapping):
            places = {key: entry[key] for key in ("url", "metadata") if key in entry}
            _check_urls(places, entry.get("private_url"), ("datasets", name), fail)
        check_schema(entry, schema, ("datasets", name), fail)
        if "simulate" in entry:
            _check_parameters(_simulation, entry["simulate"], ("datasets", name, "simulate"), fail)
        labels = entry.get("label_key")
        levels = labels if isinstance(labels, list) else [labels]
        for key, columns in {"label_key": levels, "condition_key": [entry.get("condition_key")]}.items():
            if entry.get("batch_key") in columns and "batch_key" in entry:
                words = "is the batch_key, too; a score of batch correction needs another column"
                fail(("datasets", name, key), f"'{entry['batch_key']}' {words}")
    for name in config["benchmark"]["datasets"]:
        if name not in config["datasets"]:
            fail(("benchmark", "datasets"), f"'{name}' is not declared; known: {listed(config['datasets'])}")
        for id_, settings in config["datasets"][name].get("embeddings", {}).items():
            if id_ in RESERVED_IDS:
                fail(("datasets", name, "embeddings", id_), "this id names a part of the results; choose another")
            _check_parameters(check_source, settings, ("datasets", name, "embeddings", id_), fail)


def _check_urls(places: Mapping, private: Any, keys: tuple, fail: Fail) -> None:
    for key, place in places.items():
        if isinstance(place, str) and is_url(place) and (problem := problem_of(place, private=private is True)):
            fail((*keys, key), problem)


def _simulation(settings: Mapping) -> None:
    from scbench.datasets.composition import composition_of  # imports numpy

    composition_of(SimulationParameters.of(settings))


def _check_parameters(check: Callable[[Mapping], object], settings: Mapping, keys: tuple, fail: Fail) -> None:
    try:
        check(settings)
    except ParameterError as error:
        key, _, problem = str(error).partition(": ")
        fail((*keys, *key.split(".")), problem)


def check_methods(config: Mapping, schema: Mapping, project: Path, fail: Fail) -> None:
    """Check the declarations of all methods, and the parameters of pretraining."""
    check_schema(config["defaults"], {**schema, "required": []}, ("defaults",), fail)
    _check_parameters(CorpusParameters.of, config["pretraining"], ("pretraining",), fail)
    known = sorted(path.stem for path in (project / "envs").glob("*.yaml"))
    for name, entry in config["methods"].items():
        check_schema(entry, schema, ("methods", name), fail)
        env = entry.get("env", config["defaults"].get("env"))
        if known and env not in known:  # a copy of the library alone has no envs
            fail(("methods", name, "env"), f"there is no envs/{env}.yaml; known: {listed(known)}")
        for id_ in (name, *entry.get("variants", {})):
            if id_ in RESERVED_IDS:
                fail(("methods", name, *(["variants", id_] if id_ != name else [])), f"the id {id_} is reserved")


def check_metrics(metrics: Mapping, fail: Fail) -> None:
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
                    fail((*keys, group, position), f"'{name}' is no metric; known: {listed(METRICS)}")
                if group not in METRICS[name].groups:
                    places = " or ".join(METRICS[name].groups)
                    fail((*keys, group, position), f"'{name}' does not count under {group}; list it under {places}")


def listed(names) -> str:
    """Return names separated by commas."""
    return ", ".join(map(str, names))
