"""The registry of methods: what config/methods.yaml declares, checked against the methods' own code."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scbench.config import ConfigError

FIELDS_OF_VARIANTS = ("label", "kind", "uses_labels", "gene_vectors")  # what a variant may declare besides parameters
METHODS_FOLDER = Path(__file__).parent / "methods"
CONTRACT_ARGUMENTS = {"seed", "device", "threads"}


@dataclass(frozen=True)
class Method:
    """One id of the registry: a module of scbench.methods with its parameters and its needs."""

    id: str
    module: str
    label: str
    kind: str
    input: str
    uses_labels: bool
    stochastic: bool
    trained: bool
    env: str
    gpu: int
    threads: int
    mem_mb: int
    runtime: int
    doi: str | None
    params: dict = field(default_factory=dict)
    gene_vectors: list = field(default_factory=list)

    @property
    def reported_kind(self) -> str:
        """The kind under which tables and figures show it: what is given the cell types is "supervised", not ranked."""
        return "supervised" if self.uses_labels and self.kind != "control" else self.kind


def load_registry(entries: Mapping[str, Mapping]) -> dict[str, Method]:
    """Turn the `methods` section of the configuration into {id: Method}, variants included.

    Raises
    ------
    ConfigError
        When a method has no module, a variant's id is taken, or a parameter is unknown to the module's `integrate`.
    """
    registry: dict[str, Method] = {}
    for name, entry in entries.items():
        fields = {key: value for key, value in entry.items() if key not in ("variants", "params")}
        for id_, changes in {name: {}, **entry.get("variants", {})}.items():
            if id_ in registry or (id_ != name and id_ in entries):
                raise ConfigError(f"methods.{name}.variants.{id_}: this id is taken; choose another")
            label = fields["label"] if id_ == name else f"{fields['label']} [{id_}]"
            own = {key: value for key, value in changes.items() if key in FIELDS_OF_VARIANTS}
            params = {**entry["params"], **{key: value for key, value in changes.items() if key not in own}}
            method = Method(id=id_, module=name, **{**fields, "label": label, **own}, params=params)
            _check_parameters(method)
            registry[id_] = method
    return registry


def method_parameters(module: str) -> dict[str, str]:
    """Read the parameters of a method from its source, without importing it.

    Returns
    -------
    {parameter: annotation as written}, without the arguments every method has (seed, device, threads).
    """
    source = METHODS_FOLDER / f"{module}.py"
    if not source.exists():
        raise ConfigError(f"methods.{module}: there is no module {module}.py in workflow_scripts/scbench/methods")
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "integrate":
            return {
                argument.arg: ast.unparse(argument.annotation) if argument.annotation else ""
                for argument in node.args.kwonlyargs
                if argument.arg not in CONTRACT_ARGUMENTS
            }
    raise ConfigError(f"methods.{module}: {module}.py has no function integrate(data, *, seed, device, threads, ...)")


def _check_parameters(method: Method) -> None:
    known = method_parameters(method.module)
    for name, value in method.params.items():
        where = f"methods.{method.id}.params.{name}"
        if name not in known:
            raise ConfigError(f"{where}: unknown parameter; {method.module} takes: {', '.join(known) or 'none'}")
        if not _is_of_type(value, known[name]):
            raise ConfigError(f"{where}: {value!r} is not of type {known[name]}")


def _is_of_type(value, annotation: str) -> bool:
    """Whether a YAML value fits an annotation such as `int | None`; annotations of other types are not checked."""
    kinds = {"int": int, "float": (int, float), "bool": bool, "str": str, "list": list, "None": type(None)}
    accepted = annotation.split(" | ")
    if any(kind not in kinds for kind in accepted):
        return True
    if isinstance(value, bool):
        return "bool" in accepted
    return any(isinstance(value, kinds[kind]) for kind in accepted)
