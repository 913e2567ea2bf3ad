"""The report on the data of a dataset, data_report.json; `scbench.datasets.data_report` makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scbench.integrity import whole
from scbench.types import ContractError

KEYS = (
    *("cells", "genes", "counts_per_cell", "genes_per_cell", "largest_count", "share_of_zeros", "batches"),
    *("cell_types", "cells_of_types", "shared_types", "cramers_v", "repeated_cells", "warnings"),
)


def write_data_report(path: str | Path, report: dict[str, Any]) -> None:
    """Write the report as JSON."""
    from scbench.files import write_json

    _check(path, report)
    write_json(path, report)


def read_data_report(path: str | Path) -> dict[str, Any]:
    """Read the report.

    Raises
    ------
    ContractError
        If it is not JSON with exactly the keys of the contract, or not what was written.
    """
    with whole(path):
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        _check(path, report)
    return report


def data_warnings(path: str | Path) -> list[str]:
    """Return what is doubtful about a dataset; nothing if it has no report yet."""
    return read_data_report(path)["warnings"] if Path(path).exists() else []


def _check(path: str | Path, report: Any) -> None:
    if not isinstance(report, dict) or sorted(report) != sorted(KEYS):
        raise ContractError(f"{path}: needs exactly the keys {', '.join(KEYS)}")
    if not all(isinstance(warning, str) and warning for warning in report["warnings"]):
        raise ContractError(f"{path}: warnings must be sentences")
