"""Description of a method in the registry."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from scbench.parameters import Parameters
from scbench.resources import Amount
from scbench.types import ConfigError

METHODS_FOLDER = Path(__file__).parent / "methods"


@dataclass(frozen=True)
class Spec:
    """Everything that determines the result of a method: a module of scbench.methods, its parameters and its inputs."""

    id: str
    module: str
    input: str
    uses_labels: bool
    trained: bool
    gpu: int
    params: dict[str, Any] = field(default_factory=dict)
    gene_vectors: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    pretrained: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, including the defaults of those that the configuration does not set."""
        return asdict(parameters_class(self.module).of(self.params))


@dataclass(frozen=True)
class Method(Spec):
    """One entry of the registry: its spec, how it is displayed and the resources of its jobs."""

    label: str = ""
    kind: str = "method"
    stochastic: bool = True
    seeds: list[int] | None = None  # None: those of the benchmark
    env: str = "torch"
    threads: int = 1
    mem_mb: Amount = 8000  # see scbench.resources.estimate
    runtime: Amount = 240
    doi: str | None = None
    analyses: list[str] = field(default_factory=list)

    @property
    def reported_kind(self) -> str:
        """Kind shown in tables and figures; a method that uses labels is "supervised" and not ranked."""
        return "supervised" if self.uses_labels and self.kind != "control" else self.kind

    @property
    def shown(self) -> dict[str, Any]:
        """How the result page describes the method: label, kind, doi."""
        return {"label": self.label, "kind": self.reported_kind, "doi": self.doi}

    @property
    def spec(self) -> dict[str, Any]:
        """Fields of `Spec`; a run is recomputed if one of them changes, but not for a new label."""
        return {one.name: getattr(self, one.name) for one in fields(Spec)}


def parameters_class(module: str) -> type[Parameters]:
    """Return the class `Parameters` of a module of scbench.methods, or the empty base class if it has none.

    Raises
    ------
    ConfigError
        If the module does not exist, has no `integrate`, or cannot be imported in this environment.
    """
    where = f"methods.{module}: workflow_scripts/scbench/methods/{module}.py"
    if not (METHODS_FOLDER / f"{module}.py").exists():
        raise ConfigError(f"methods.{module}: there is no module {module}.py in workflow_scripts/scbench/methods")
    try:
        loaded = importlib.import_module(f"scbench.methods.{module}")
    except ImportError as error:
        remedy = "import the packages of the method inside integrate, so that its parameters can be read without them"
        raise ConfigError(f"{where} cannot be imported ({error}); {remedy}") from error
    if not hasattr(loaded, "integrate"):
        raise ConfigError(f"{where} has no function integrate(data, *, seed, device, threads, **parameters)")
    return getattr(loaded, "Parameters", Parameters)
