"""Summarise the finished runs of a benchmark that is still running or has failed runs."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from scbench.paths import Paths
    from scbench.spec import Method


def add(commands) -> None:
    """Add `summarise` to the parser of the command line."""
    text = "summarise the runs finished so far, during a benchmark or after failures"
    parser = commands.add_parser("summarise", help=text, description=text)
    parser.add_argument("results", type=Path, help="results folder of a benchmark that was started")
    parser.set_defaults(run=summarise)


def summarise(options: argparse.Namespace) -> None:
    """Write coverage and all tables of the finished runs to {results}/partial, and print the overall table."""
    from scbench.report.tables import overall_sheet, to_markdown

    finished = write_partial(options.results)
    covered, summary = finished.tables["coverage"], finished.tables["summary"]
    if len(summary):
        labels = {id_: method.label for id_, method in finished.methods.items()}
        print(to_markdown(overall_sheet(summary, labels, finished.kinds)))
    counts = ", ".join(f"{count} {status}" for status, count in covered["status"].value_counts().items())
    print(f"{counts}; tables: {finished.at.partial('')}")


@dataclass(frozen=True)
class Finished:
    """The finished runs of a results folder: paths, configuration, all methods, kinds of the unskipped ones, tables."""

    at: Paths
    config: dict[str, Any]
    methods: dict[str, Method]
    kinds: dict[str, str]
    tables: dict[str, pd.DataFrame]


def write_partial(results: Path) -> Finished:
    """Write coverage and all tables of the finished runs to {results}/partial."""
    from scbench.config import read_config, robust_metrics
    from scbench.coverage import coverage
    from scbench.files import write_table
    from scbench.paths import Paths
    from scbench.plan import not_installed, plan_runs, reported_kinds
    from scbench.ranking.tables import summary_tables
    from scbench.registry import load_registry

    at = Paths(str(results))
    config = read_config(at.config)
    registry = load_registry(config["methods"], config["datasets"])
    missing = not_installed(registry)  # but a run made with --use-conda is finished all the same
    made = {id_ for id_ in missing if any(results.glob(f"*/{id_}/seed*/scores.tsv"))}
    plan = plan_runs(config, registry, {id_: reason for id_, reason in missing.items() if id_ not in made})
    covered = coverage(plan, at)
    finished = [run for run, status in zip(plan, covered["status"], strict=True) if status == "ok"]
    keys = [(run.dataset, run.method, run.seed) for run in finished]
    files = {name: [at.run(*key, f"{name}.tsv") for key in keys] for name in ("scores", "levels", "by_type")}
    for name in ("levels", "by_type"):  # results of earlier versions have none
        files[name] = [path for path in files[name] if Path(path).exists()]
    planned = {run.method: registry[run.method] for run in plan if run.status == "planned"}
    kinds = {id_: kind for id_, kind in reported_kinds(config, registry).items() if id_ in planned}
    tables = summary_tables(
        **files,
        benchmarks={key: at.run(*key, "benchmark.jsonl") for key in keys},
        kinds=kinds,
        weights=config["metrics"]["weights"],
        scaling=config["metrics"]["scaling"],
        robust=robust_metrics(config["metrics"]),
        runs=[(run.dataset, run.method, run.seed) for run in plan if run.status == "planned"],
    )
    tables["coverage"] = covered
    for name, content in tables.items():
        write_table(at.partial(f"{name}.tsv"), content)
    return Finished(at, config, {run.method: registry[run.method] for run in plan}, kinds, tables)
