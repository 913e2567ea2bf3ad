"""The plan: the runs (dataset x method x seed) that a configuration requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scbench.paths import Paths
from scbench.provenance import missing_packages
from scbench.resources import memory_mb, read_size, too_large
from scbench.spec import Method
from scbench.types import ConfigError

LISTS = ("methods", "ablations", "controls")  # of `benchmark`; a method in several of them belongs to the first


@dataclass(frozen=True)
class Run:
    """One (dataset, method, seed); `status` is planned or skipped, the latter with a reason."""

    dataset: str
    method: str
    seed: int
    status: str = "planned"
    reason: str = ""


def plan_runs(config: Mapping, registry: Mapping[str, Method], missing: Mapping[str, str] | None = None) -> list[Run]:
    """List all runs in the order dataset, method, seed; embeddings of a dataset made elsewhere come last.

    A method may have seeds of its own; one that is not stochastic runs with the first seed only. A label-using method
    is skipped on a dataset without cell types, and one with a pretrained trunk if there is no other dataset.

    Parameters
    ----------
    missing
        {method: reason} of the methods that are skipped because of missing packages, see `not_installed`.

    Raises
    ------
    ConfigError
        If a list of `benchmark` names an unknown method, or two methods of the plan have the same label.
    """
    benchmark = config["benchmark"]
    chosen = []
    for key in LISTS:
        for id_ in benchmark[key]:
            if id_ in registry and registry[id_].kind == "external":
                raise ConfigError(
                    f"benchmark.{key}: '{id_}' is an embedding of a dataset and runs anyway; remove it here"
                )
            if id_ not in registry:
                raise ConfigError(f"benchmark.{key}: '{id_}' is not declared; known: {', '.join(registry)}")
            if id_ not in chosen:
                chosen.append(id_)
    runs = []
    for dataset in benchmark["datasets"]:
        for id_ in [*chosen, *config["datasets"][dataset].get("embeddings", {})]:
            seeds = registry[id_].seeds or benchmark["seeds"]
            seeds = seeds if registry[id_].stochastic else seeds[:1]
            reason = (missing or {}).get(id_, "")
            if registry[id_].uses_labels and not has_labels(config["datasets"][dataset]):
                reason = "the method uses labels, the dataset has none"
            if registry[id_].pretrained and len(benchmark["datasets"]) == 1:
                reason = "the trunk is pretrained on the other datasets of the benchmark, and there is none"
            runs += [Run(dataset, id_, seed, "skipped" if reason else "planned", reason) for seed in seeds]
    _check_labels([registry[id_] for id_ in dict.fromkeys(run.method for run in runs)])
    return runs


def _check_labels(methods: Sequence[Method]) -> None:
    """Reject labels that no reader can tell apart in a table."""
    seen: dict[str, Method] = {}
    for method in methods:
        other = seen.setdefault(" ".join(method.label.split()).casefold(), method)
        if other is not method:
            where = f"methods.{method.module}" if method.module else "datasets"
            where += f".variants.{method.id}" if method.module not in ("", method.id) else ""
            same = f"'{method.label}' of {method.id} reads like the label of {other.id}"
            raise ConfigError(f"{where}.label: {same}; choose another")


def skip_too_large(runs: Sequence[Run], registry: Mapping[str, Method], paths: Paths) -> list[Run]:
    """Return the runs; those that need more memory than this machine has are skipped, unless they are finished.

    The size of a dataset is known once it is prepared; until then its runs are refused when they start.
    """
    checked = []
    for run in runs:
        amount, size = registry[run.method].mem_mb, read_size(paths.data(run.dataset, "size.json"))
        reason = too_large(memory_mb(amount, size)) if size.cells and run.status == "planned" else ""
        finished = Path(paths.run(run.dataset, run.method, run.seed, "embedding.h5ad")).exists()
        checked.append(replace(run, status="skipped", reason=reason) if reason and not finished else run)
    return checked


def not_installed(registry: Mapping[str, Method]) -> dict[str, str]:
    """Return {method: what is missing and the remedy} for methods whose packages are not installed here.

    With --use-conda it does not matter what is installed here, because methods run in environments of their own.
    """
    missing = {id_: missing_packages(method.packages) for id_, method in registry.items()}
    remedies = {id_: "run `make reference`" if registry[id_].env == "reference" else "install it" for id_ in missing}
    return {id_: f"{', '.join(names)} is not installed; {remedies[id_]}" for id_, names in missing.items() if names}


def has_labels(dataset: Mapping) -> bool:
    """Return whether a dataset of the configuration has cell types; simulated datasets have them unless told."""
    return dataset.get("label_key", "cell_type" if "simulate" in dataset else None) is not None


def reported_kinds(config: Mapping, registry: Mapping[str, Method]) -> dict[str, str]:
    """Return {method: kind in tables and figures} of all methods; those that are only ablations are "ablation"."""
    benchmark = config["benchmark"]
    only = set(benchmark["ablations"]) - set(benchmark["methods"])
    return {id_: "ablation" if id_ in only else method.reported_kind for id_, method in registry.items()}


def ablations(config: Mapping, registry: Mapping[str, Method]) -> dict[str, list[str]]:
    """Return {method: its variants in `benchmark.ablations`, in order, and last the method itself if it is run}."""
    benchmark = config["benchmark"]
    found: dict[str, list[str]] = {}
    for id_ in benchmark["ablations"]:
        found.setdefault(registry[id_].module, []).append(id_)
    for name, variants in found.items():
        if name in benchmark["methods"] and name not in variants:
            variants.append(name)
    return found
