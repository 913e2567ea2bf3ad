"""Registry of methods: the declarations of config/methods.yaml, checked against the code of the methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scbench.parameters import ParameterError
from scbench.spec import Method, parameters_class
from scbench.types import ConfigError

FIELDS_OF_VARIANTS = (  # besides parameters
    *("label", "kind", "uses_labels", "gene_vectors", "analyses", "pretrained", "stochastic", "mem_mb", "runtime"),
)


def load_registry(
    entries: Mapping[str, Mapping[str, Any]], datasets: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Method]:
    """Turn the `methods` section of the configuration into {id: Method}, including variants.

    Parameters
    ----------
    entries
        The `methods` section.
    datasets
        The `datasets` section, whose embeddings made elsewhere become methods of the kind external.

    Raises
    ------
    ConfigError
        If a method has no module, the id of a variant or an embedding is already in use, an analysis is unknown, or a
        parameter is unknown or out of range.
    """
    registry: dict[str, Method] = {}
    for name, entry in entries.items():
        own_fields = {key: value for key, value in entry.items() if key not in ("variants", "params")}
        for id_, changes in {name: {}, **entry.get("variants", {})}.items():
            if id_ in registry or (id_ != name and id_ in entries):
                raise ConfigError(f"methods.{name}.variants.{id_}: this id is taken; choose another")
            label = own_fields["label"] if id_ == name else f"{own_fields['label']} [{id_}]"
            own = {key: value for key, value in changes.items() if key in FIELDS_OF_VARIANTS}
            params = {**entry["params"], **{key: value for key, value in changes.items() if key not in own}}
            method = Method(id=id_, module=name, **{**own_fields, "label": label, **own}, params=params)
            _check(method, changes)
            registry[id_] = method
    for name, dataset in (datasets or {}).items():
        for id_, settings in dataset.get("embeddings", {}).items():
            method = _external(id_, settings)
            if registry.setdefault(id_, method) != method:
                other = registry[id_].kind == "external"
                problem = (
                    "label and uses_labels differ between datasets; write the same" if other else "this id is taken"
                )
                raise ConfigError(f"datasets.{name}.embeddings.{id_}: {problem}, or choose another id")
    return registry


def _external(id_: str, settings: Mapping[str, Any]) -> Method:
    """Return an embedding made elsewhere as a method without a module, of which there is one run per dataset."""
    return Method(
        id=id_,
        module="",
        input="",
        uses_labels=settings.get("uses_labels", False),
        trained=False,
        gpu=0,
        label=settings.get("label", id_),
        kind="external",
        stochastic=False,
    )


def _check(method: Method, changes: Mapping[str, Any]) -> None:
    """Check the parameters and analyses of a method; `changes` are what a variant sets itself."""
    own = f"methods.{method.module}"
    variant = own if method.id == method.module else f"{own}.variants.{method.id}"
    try:
        parameters_class(method.module).of(method.params)
    except ParameterError as error:
        where = variant if str(error).split(":")[0].split(".")[0] in changes else f"{own}.params"
        raise ConfigError(f"{where}.{error}") from None
    from scbench.analyses.catalogue import ANALYSES

    for name in method.analyses:
        if name not in ANALYSES:
            raise ConfigError(f"{variant}.analyses: '{name}' is not known; known: {', '.join(ANALYSES)}")
