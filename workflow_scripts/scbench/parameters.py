"""Parameters of methods: frozen dataclasses whose fields have a type and a range, validated on construction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import NoneType
from typing import Any, Self, get_args, get_type_hints

MAX_WIDTH = 65536  # of a layer; more is a slip of the keyboard and does not fit into memory


class ParameterError(ValueError):
    """An invalid parameter; the message starts with its name."""


def number(
    default: float | None, low: float | None = None, high: float | None = None, *, above: float | None = None
) -> Any:
    """Declare a number of at least `low` or above `above`, and at most `high`; in a list, each element."""
    return field(default=default, metadata={"low": low, "high": high, "above": above})


def numbers(default: tuple[int, ...] | None, low: int, high: int | None = None) -> Any:
    """Declare a list of at least one number, each at least `low` and at most `high`."""
    return field(default=default, metadata={"low": low, "high": high, "not_empty": True})


def choice(default: str | None, *known: str) -> Any:
    """Declare one of the words `known`."""
    return field(default=default, metadata={"known": known})


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Base class of the parameters of a method.

    A subclass is a frozen dataclass; its annotations may be int, float, bool, str, tuple[int, ...], dict and any of
    these or None. Lists from YAML become tuples.

    Raises
    ------
    ParameterError
        If a value has the wrong type or is out of range.
    """

    def __post_init__(self) -> None:
        cls: type = type(self)
        types = _types(cls)
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, list):
                object.__setattr__(self, one.name, value := tuple(value))
            problem = _problem(value, types[one.name], one.metadata)
            if problem:
                raise ParameterError(f"{one.name}: {problem}")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Build parameters from {name: value}, as in the configuration.

        Raises
        ------
        ParameterError
            Also if a name is not a parameter.
        """
        known = [one.name for one in fields(cls)]
        for name in values:
            if name not in known:
                raise ParameterError(f"{name}: unknown parameter; known: {', '.join(known) or 'none'}")
        missing = [one.name for one in fields(cls) if one.default is one.default_factory and one.name not in values]
        if missing:
            raise ParameterError(f"{missing[0]}: is required")
        return cls(**values)


@cache
def _types(cls: type) -> dict[str, tuple[type, ...]]:
    """Return the classes that the value of each field may have."""
    found = {}
    for name, hint in get_type_hints(cls).items():
        options = get_args(hint) if type(hint).__name__ == "UnionType" else (hint,)
        found[name] = tuple(getattr(option, "__origin__", option) for option in options)
    return found


def _problem(value: Any, types: tuple[type, ...], metadata: Mapping[str, Any]) -> str | None:
    """Return the problem with a value, or None."""
    accepted = {*types, int} if float in types else set(types)
    if type(value) not in accepted:
        names = " or ".join({NoneType: "null", tuple: "list", dict: "mapping"}.get(t, t.__name__) for t in types)
        return f"{_shown(value)} is not of type {names}"
    if value is None:
        return None
    known = metadata.get("known")
    if known and value not in known:
        return f"'{value}' is not known; choose one of {', '.join(known)}"
    if metadata.get("not_empty") and not value:
        return "the list is empty; it needs at least one number"
    elements = value if isinstance(value, tuple) else (value,)
    if isinstance(value, tuple) and any(type(one) is not int for one in elements):
        return f"{_shown(value)} is not a list of whole numbers"
    problems = (_out_of_range(one, metadata) for one in elements if isinstance(one, int | float | str))
    return next((problem for problem in problems if problem), None)


def _out_of_range(value: Any, metadata: Mapping[str, Any]) -> str | None:
    low, high, above = (metadata.get(name) for name in ("low", "high", "above"))
    if low is None and high is None and above is None:
        return f"{value} is not a finite number" if isinstance(value, float) and not math.isfinite(value) else None
    if isinstance(value, str | bool) or not math.isfinite(value):
        return f"{_shown(value)} is not a finite number"
    if above is not None and not value > above:
        return f"{value} must be above {above:.10g}"
    if low is not None and value < low:
        return f"{value} is below {low:.10g}"
    if high is not None and value > high:
        return f"{value} is above {high:.10g}"
    return None


def _shown(value: Any) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)
