"""Registry of methods: the declarations of config/methods.yaml, checked against the code of the methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scbench.parameters import ParameterError
from scbench.spec import Method, parameters_class
from scbench.types import ConfigError

FIELDS_OF_VARIANTS = ("label", "kind", "uses_labels", "gene_vectors", "analyses")  # besides parameters


def load_registry(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Method]:
    """Turn the `methods` section of the configuration into {id: Method}, including variants.

    Raises
    ------
    ConfigError
        If a method has no module, the id of a variant is already in use, an analysis is unknown, or a parameter is
        unknown or out of range.
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
            _check(method)
            registry[id_] = method
    return registry


def _check(method: Method) -> None:
    try:
        parameters_class(method.module).of(method.params)
    except ParameterError as error:
        raise ConfigError(f"methods.{method.id}.params.{error}") from None
    from scbench.analyses.catalogue import ANALYSES

    for name in method.analyses:
        if name not in ANALYSES:
            raise ConfigError(f"methods.{method.id}.analyses: '{name}' is not known; known: {', '.join(ANALYSES)}")
