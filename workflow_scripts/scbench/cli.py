"""The command line for single files and for results folders, without Snakemake."""

from __future__ import annotations

import argparse
import sys

from scbench.commands import generate, mapping, one_file, report, score, summarise
from scbench.version import VERSION

COMMANDS = (one_file, score, mapping, generate, summarise, report)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; invalid input ends it with a one-line message and exit code 2."""
    options = make_parser().parse_args(arguments)
    from scbench.devices import DeviceError

    try:
        options.run(options)
    except (ValueError, DeviceError) as error:
        print(f"scbench: {error}", file=sys.stderr)
        return 2
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets `run` to the function that runs it."""
    parser = argparse.ArgumentParser(prog="scbench", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
