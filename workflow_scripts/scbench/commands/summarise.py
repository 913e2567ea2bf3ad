"""Summarise the finished runs of a benchmark that is still running or has failed runs."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add `summarise` to the parser of the command line."""
    text = "summarise the runs finished so far, during a benchmark or after failures"
    parser = commands.add_parser("summarise", help=text, description=text)
    parser.add_argument("results", type=Path, help="results folder of a benchmark that was started")
    parser.set_defaults(run=summarise)


def summarise(options: argparse.Namespace) -> None:
    """Write coverage and all tables of the finished runs to {results}/partial, and print the overall table."""
    import pandas as pd

    from scbench.checks import SCORE_COLUMNS
    from scbench.config import read_config, robust_metrics
    from scbench.coverage import coverage
    from scbench.files import read_scores, write_table
    from scbench.paths import Paths
    from scbench.plan import plan_runs
    from scbench.ranking.costs import resources
    from scbench.ranking.uncertainty import ranking_tables
    from scbench.registry import load_registry
    from scbench.report.tables import overall_sheet, to_markdown

    at = Paths(str(options.results))
    config = read_config(at.config)
    registry = load_registry(config["methods"])
    plan = plan_runs(config, registry)
    covered = coverage(plan, at)
    finished = [run for run, status in zip(plan, covered["status"], strict=True) if status == "ok"]
    files = {
        name: {(run.dataset, run.method, run.seed): at.run(run.dataset, run.method, run.seed, name) for run in finished}
        for name in ("scores.tsv", "benchmark.jsonl")
    }
    scores = [read_scores(path) for path in files["scores.tsv"].values()]
    methods = {run.method: registry[run.method] for run in plan if run.status == "planned"}
    kinds = {id_: method.reported_kind for id_, method in methods.items()}
    table = pd.concat(scores) if scores else pd.DataFrame(columns=SCORE_COLUMNS)
    tables = ranking_tables(
        table,
        kinds,
        config["metrics"]["weights"],
        config["metrics"]["scaling"],
        robust=robust_metrics(config["metrics"]),
        runs=[(run.dataset, run.method, run.seed) for run in plan if run.status == "planned"],
    )
    tables |= {"coverage": covered, "resources": resources(files["benchmark.jsonl"])}
    for name, content in tables.items():
        write_table(at.partial(f"{name}.tsv"), content)
    if scores:
        labels = {id_: method.label for id_, method in methods.items()}
        print(to_markdown(overall_sheet(tables["summary"], labels, kinds)))
    counts = ", ".join(f"{count} {status}" for status, count in covered["status"].value_counts().items())
    print(f"{counts}; tables: {at.partial('')}")
