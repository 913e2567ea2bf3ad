"""Write the result page of a results folder."""

from __future__ import annotations

import argparse
from pathlib import Path

CITATIONS = Path(__file__).parents[3] / "config" / "citations.bib"


def add(commands) -> None:
    """Add `report` to the parser of the command line."""
    text = "write the result page of the runs finished so far: one HTML file that needs no network"
    parser = commands.add_parser("report", help=text, description=text)
    parser.add_argument("results", type=Path, help="results folder of a benchmark that was started")
    parser.add_argument("-o", "--out", type=Path, default=None, help="default: report.html in the results folder")
    parser.set_defaults(run=report)


def report(options: argparse.Namespace) -> None:
    """Summarise the finished runs in {results}/partial, and write the page from these tables."""
    from scbench.commands.summarise import write_partial
    from scbench.config import robust_metrics
    from scbench.report.page.build import write_page
    from scbench.version import VERSION

    finished = write_partial(options.results)
    path = options.out or Path(finished.at.page)
    write_page(
        path,
        finished.at,
        config=finished.config,
        methods={id_: method.shown for id_, method in finished.methods.items()},
        coverage=finished.tables["coverage"],
        robust=robust_metrics(finished.config["metrics"]),
        citations=CITATIONS,
        version=VERSION,
        partial=True,
    )
    print(f"result page: {path}")
