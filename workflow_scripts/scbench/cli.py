"""The command line for single files and for results folders, without Snakemake."""

from __future__ import annotations

import argparse
import sys

from scbench.commands import generate, mapping, one_file, report, score, summarise, tune
from scbench.version import VERSION

COMMANDS = (one_file, score, mapping, generate, tune, summarise, report)
NAMES = ("vae", "cvae", "compare")  # commands whose options may stand before them
FLAGS = ("--save-only", "--mog", "--vamp", "--normal", "--cond-prior", "--cond-in-encoder")  # without a value


def main(arguments: list[str] | None = None) -> int:
    """Run one command; invalid input ends it with a one-line message and exit code 2."""
    options = make_parser().parse_args(command_first(sys.argv[1:] if arguments is None else arguments))
    from scbench.devices import DeviceError

    try:
        options.run(options)
    except (ValueError, DeviceError) as error:
        print(f"scbench: {error}", file=sys.stderr)
        return 2
    return 0


def command_first(arguments: list[str]) -> list[str]:
    """Move options that stand before the command behind it, as in `--adata cells.h5ad vae --recon nb`.

    Without a command, `--save-only` is that of `compare`.
    """
    if not arguments or not arguments[0].startswith("-") or arguments[0] in ("-h", "--help", "--version"):
        return arguments
    places = [place for place, word in enumerate(arguments) if word in NAMES]
    values = [place for place in places if arguments[place - 1].startswith("-") and arguments[place - 1] not in FLAGS]
    place = next((place for place in places if place not in values), None)
    if place is None:
        return ["compare", *arguments] if "--save-only" in arguments else arguments
    return [arguments[place], *arguments[:place], *arguments[place + 1 :]]


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
