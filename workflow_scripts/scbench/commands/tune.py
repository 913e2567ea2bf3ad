"""Choose parameters of a method for the cells of one file, without their types."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scbench.commands.common import default_config

if TYPE_CHECKING:
    import pandas as pd

    from scbench.spec import Method


def add(commands) -> None:
    """Add `tune` to the parser of the command line."""
    text = "choose parameters for one file by held-out likelihood and label-free agreement"
    parser = commands.add_parser("tune", help=text, description=text)
    parser.add_argument("--adata", type=Path, required=True, help="cells with raw counts and batches (.h5ad)")
    parser.add_argument("--method", required=True, help="id of config/methods.yaml, for example cvae_nb")
    parser.add_argument("--batch-key", default="batch", help="column of obs with batches (default: batch)")
    parser.add_argument("--try", dest="changes", nargs="+", metavar="NAME=VALUE,...", default=None, help="parameters "
                        "and values, for example beta=0.25,1 latent_dim=16 (default: those of the method)")  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="the mean over them decides (default: 0)")
    parser.add_argument("-o", "--out", type=Path, default=None, help="also write all candidates to this file (.tsv)")
    parser.set_defaults(run=tune)


def tune(options: argparse.Namespace) -> None:
    """Train every candidate, print their table, and say which parameters to set and why."""
    import pandas as pd
    from tabulate import tabulate

    from scbench.files import write_table
    from scbench.ranking.tuning import choose

    config = default_config({})
    method = _method(options.method, config)
    changes = _changes(options.changes, method)
    tables = _tables(options, method, changes, config)
    table = pd.concat(tables, ignore_index=True)
    mean = table.groupby("candidate", sort=False).mean(numeric_only=True).drop(columns="seed")
    print(tabulate(mean.round(3), headers="keys", floatfmt=".3f"))
    choice = choose(table)
    print(f"\nchosen: {choice['chosen']}, because {choice['why']}")
    if options.out:
        write_table(options.out, table)
        print(f"written: {options.out}")


def _method(name: str, config: dict[str, Any]) -> Method:
    from scbench.registry import load_registry

    registry = load_registry(config["methods"])
    if name not in registry:
        raise ValueError(f"--method: '{name}' is not declared in config/methods.yaml")
    if registry[name].uses_labels:
        raise ValueError(f"--method: {name} uses cell types; choose a method that does not")
    return registry[name]


def _changes(given: list[str] | None, method: Method) -> dict[str, list[Any]]:
    """Return {parameter: values}, checked against the parameters of the method."""
    from scbench.analyses.tuning import SEARCH, candidates
    from scbench.parameters import ParameterError
    from scbench.spec import parameters_class

    if given is None:
        if method.module not in SEARCH:
            raise ValueError(f"--try: there are no values to try for {method.id}; give some, as in --try beta=0.25,1")
        return {name: list(values) for name, values in SEARCH[method.module].items()}
    pairs = [one.partition("=") for one in given]
    wrong = [name for name, _, values in pairs if not values]
    if wrong:
        raise ValueError(f"--try: '{wrong[0]}' names no values; write for example beta=0.25,1")
    changes = {name: [_value(word) for word in values.split(",")] for name, _, values in pairs}
    known = method.parameters
    for name in changes:
        outer, _, term = name.partition(".")
        if outer not in known or (term and not isinstance(known[outer], dict)):
            raise ValueError(f"--try: {name} is not a parameter of {method.id}; known: {', '.join(known)}")
    try:
        for _, params in candidates(known, changes):
            parameters_class(method.module).of(params)
    except ParameterError as error:
        raise ValueError(f"--try: {error}") from None
    return changes


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return word


def _tables(options: argparse.Namespace, method: Method, changes: dict, config: dict) -> list[pd.DataFrame]:
    """Return the table of the candidates for every seed, with a column seed."""
    from dataclasses import replace

    from scbench.analyses.tuning import search
    from scbench.datasets.one_file import read_one_file
    from scbench.gene_knowledge.sources import make_vectors
    from scbench.prepared import method_input

    adata, _ = read_one_file(
        options.adata, None, batch_key=options.batch_key, label_key=None, settings=config["preprocessing"]
    )
    data = method_input(adata, options.adata.stem, method.input)
    if method.gene_vectors:
        data = replace(data, gene_vectors=make_vectors(adata, method.gene_vectors, config["gene_knowledge"])[0])
    tables = []
    for seed in options.seeds:
        print(f"seed {seed}", flush=True)
        found = search(method.module, method.parameters, changes, data, adata, seed=seed)
        tables.append(found.assign(seed=seed))
    return tables
