"""Entries of the catalogue of metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal, get_args

Group = Literal["bio", "batch", "extra"]
Need = Literal[
    "labels",
    "batches",
    "isolated_types",
    "clusters",
    "cell_cycle",
    "expression",
    "batch_pca",
    "pseudotime",
    "conditions",
    "null_split",
]
Direction = Literal["higher", "lower"]

GROUPS: tuple[Group, ...] = get_args(Group)
NEEDS: Mapping[Need, str] = {
    "labels": "several cell types",
    "batches": "several batches",
    "isolated_types": "a cell type that is missing from a batch",
    "clusters": "clusters made by the method",
    "cell_cycle": "cell cycle scores",
    "expression": "expression of genes",
    "batch_pca": "a PCA per batch",
    "pseudotime": "pseudotime (`pseudotime_key`)",
    "conditions": "several conditions (`condition_key`)",
    "null_split": "a null split (`null_split: true`)",
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One entry of the catalogue.

    Attributes
    ----------
    id, label
        Name in the configuration and in scores.tsv; display name in tables and figures.
    group
        bio | batch: the part of the total to which it can contribute; extra: a diagnostic that contributes to neither.
        A preset may list any metric under extra.
    function
        "module:function", a pure function whose docstring defines the metric. Each parameter without a default receives
        the attribute of `scored.Scored` of the same name.
    arguments
        {parameter: attribute of `Scored`} for parameters that receive another attribute.
    needs
        Keys of NEEDS; a metric is not applicable if one of them is missing.
    direction
        Whether higher or lower values are better. Totals are means of values for which 1 is best, so only metrics of
        the group extra may have the direction lower.
    is_silhouette
        Whether the total without silhouettes excludes it.
    packages
        Packages that compute it besides numpy, by PyPI name.
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
        """Groups under which a preset may list the metric."""
        return ("extra",) if self.group == "extra" else (self.group, "extra")

    def load(self) -> Callable[..., float]:
        """Import the function."""
        module, name = self.function.split(":")
        return getattr(import_module(module), name)
