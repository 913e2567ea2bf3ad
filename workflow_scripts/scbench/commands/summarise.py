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
    names = {"scores": "scores.tsv", "levels": "levels.tsv", "by_type": "by_type.tsv", "benchmark": "benchmark.jsonl"}
    places = {key: {part: Path(at.run(*key, name)) for part, name in names.items()} for key in keys}
    # results of earlier versions have scores only; embeddings made elsewhere have no run time
    files = {key: {part: path for part, path in given.items() if path.exists()} for key, given in places.items()}
    planned = {run.method: registry[run.method] for run in plan if run.status == "planned"}
    kinds = {id_: kind for id_, kind in reported_kinds(config, registry).items() if id_ in planned}
    tables, broken = summary_tables(
        files,
        kinds=kinds,
        weights=config["metrics"]["weights"],
        scaling=config["metrics"]["scaling"],
        robust=robust_metrics(config["metrics"]),
        runs=[(run.dataset, run.method, run.seed) for run in plan if run.status == "planned"],
    )
    for (dataset, method, seed), error in broken.items():
        of_run = (covered["dataset"] == dataset) & (covered["method"] == method) & (covered["seed"] == seed)
        covered.loc[of_run, ["status", "reason", "log"]] = "failed", str(error), str(error.file)
    tables["coverage"] = covered
    for name, content in tables.items():
        write_table(at.partial(f"{name}.tsv"), content)
    return Finished(at, config, {run.method: registry[run.method] for run in plan}, kinds, tables)
