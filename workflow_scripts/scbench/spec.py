"""A method as the registry describes it."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from scbench.parameters import Parameters
from scbench.types import ConfigError

METHODS_FOLDER = Path(__file__).parent / "methods"


@dataclass(frozen=True)
class Spec:
    """What makes the result of a method: a module of scbench.methods with its parameters and its inputs."""

    id: str
    module: str
    input: str
    uses_labels: bool
    trained: bool
    gpu: int
    params: dict[str, Any] = field(default_factory=dict)
    gene_vectors: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, with the defaults of those that the configuration leaves out."""
        return asdict(parameters_class(self.module).of(self.params))


@dataclass(frozen=True)
class Method(Spec):
    """One id of the registry: its spec, how it is shown and what a job of it needs."""

    label: str = ""
    kind: str = "method"
    stochastic: bool = True
    env: str = "torch"
    threads: int = 1
    mem_mb: int = 8000
    runtime: int = 240
    doi: str | None = None
    analyses: list[str] = field(default_factory=list)

    @property
    def reported_kind(self) -> str:
        """The kind under which tables and figures show it: a method that uses labels is "supervised", not ranked."""
        return "supervised" if self.uses_labels and self.kind != "control" else self.kind

    @property
    def spec(self) -> dict[str, Any]:
        """The fields of `Spec`: a run is computed again when one of them changes, and not for a new label."""
        return {one.name: getattr(self, one.name) for one in fields(Spec)}


def parameters_class(module: str) -> type[Parameters]:
    """The class `Parameters` of a module of scbench.methods; the empty one where it has none.

    Raises
    ------
    ConfigError
        When there is no such module, it has no `integrate`, or it cannot be imported here.
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
