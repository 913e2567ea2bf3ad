"""What the catalogue says about a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal, get_args

Group = Literal["bio", "batch", "extra"]
Need = Literal["labels", "batches", "isolated_types", "clusters", "cell_cycle"]
Direction = Literal["higher", "lower"]

GROUPS: tuple[Group, ...] = get_args(Group)
NEEDS: Mapping[Need, str] = {
    "labels": "several cell types",
    "batches": "several batches",
    "isolated_types": "a cell type that is missing from a batch",
    "clusters": "clusters made by the method",
    "cell_cycle": "cell cycle scores",
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One entry of the catalogue.

    Attributes
    ----------
    id, label
        Its name in the configuration and in scores.tsv; its name in tables and figures.
    group
        bio | batch: the part of the total in which it can count; extra: a diagnostic that counts in neither. A preset
        may list any metric under extra.
    function
        "module:function", a pure function whose docstring defines the metric. Each of its parameters without a default
        is given the attribute of `scored.Scored` of the same name.
    arguments
        {parameter: attribute of `Scored`} for parameters that are given another attribute.
    needs
        Keys of NEEDS; a metric that lacks one of them is not applicable.
    direction
        Whether a higher or a lower value is better. Totals are means of values of which 1 is the best, so only a metric
        of the group extra may be lower.
    is_silhouette
        Whether the total without silhouettes leaves it out.
    packages
        What computes it beside numpy, as named on PyPI.
    """

    id: str
    label: str
    group: Group
    function: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[Need] = frozenset()
    direction: Direction = "higher"
    is_silhouette: bool = False
    packages: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups under which a preset may list it."""
        return ("extra",) if self.group == "extra" else (self.group, "extra")

    def load(self) -> Callable[..., float]:
        """Import its function."""
        module, name = self.function.split(":")
        return getattr(import_module(module), name)
