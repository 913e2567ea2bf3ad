"""Where the results come from: outcome of every run, how the embeddings were made, settings, citations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from scbench.checks import RUN_COLUMNS
from scbench.files import read_record
from scbench.paths import Paths
from scbench.report.page.scores import records
from scbench.types import ContractError

TAIL = 12  # lines of the log of a failed run
SECTIONS = ("benchmark", "preprocessing", "gene_knowledge", "metrics", "plots")


def run_content(coverage: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the outcome of every planned run; that of a failed run has the last lines of its log."""
    rows = records(coverage)
    return [row | {"tail": log_tail(row["log"])} if row["status"] == "failed" else row for row in rows]


def without_result(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the runs that are not complete, failed ones first; seeds with the same outcome are one entry."""
    found: dict[tuple, dict[str, Any]] = {}
    order = ["failed", "not_run", "skipped"]
    for run in sorted((run for run in runs if run["status"] != "ok"), key=lambda run: order.index(run["status"])):
        key = (run["dataset"], run["method"], run["status"], run["reason"], run.get("tail", ""))
        found.setdefault(key, run | {"seeds": []})["seeds"].append(run["seed"])
    return list(found.values())


def log_tail(path: str) -> str:
    """Return the last lines of a log, or an empty text if there is none."""
    if not path or not Path(path).is_file():
        return ""
    lines = Path(path).read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    return "\n".join(lines[-TAIL:])


def setups(runs: Iterable[tuple[str, str, int]], at: Paths) -> list[dict[str, Any]]:
    """Return the distinct ways in which the embeddings were made, with the number of runs of each.

    A method has one entry if all its runs had the same parameters, code, packages, device and hardware.
    """
    found: dict[str, dict[str, Any]] = {}
    for dataset, method, seed in runs:
        path = at.run(dataset, method, seed, "embedding.h5ad")
        if not Path(path).exists():
            continue
        try:
            record = read_record(path)
        except ContractError as error:
            print(f"left out: {error}")
            continue
        setup = {"method": method} | {name: value for name, value in record.items() if name not in RUN_COLUMNS}
        key = json.dumps(setup, sort_keys=True, default=str)
        found.setdefault(key, setup | {"runs": 0})["runs"] += 1
    return list(found.values())


def settings(config: Mapping[str, Any], methods: Iterable[str], datasets: Iterable[str]) -> dict[str, Any]:
    """Return the part of the configuration that the results depend on."""
    kept = {name: config[name] for name in SECTIONS if name in config}
    if "metrics" in kept:
        kept["metrics"] = {name: value for name, value in kept["metrics"].items() if name != "presets"}
    kept["datasets"] = {name: config["datasets"][name] for name in datasets if name in config["datasets"]}
    declared = config["methods"]
    chosen = set(methods)
    kept["methods"] = {name: entry for name, entry in declared.items() if chosen & {name, *entry.get("variants", {})}}
    return kept
