"""Check before any job what the user's files say: the sources of all datasets, and the tables of gene knowledge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scbench.datasets.precheck import check_sources
from scbench.plan import Run
from scbench.spec import Method
from scbench.types import ConfigError

ROWS = 1000  # of a table of gene knowledge that are read


def check_inputs(config: Mapping[str, Any], registry: Mapping[str, Method], runs: Sequence[Run]) -> list[str]:
    """Look at every local file that the planned runs need.

    Returns
    -------
    Sentences on what will be ignored.

    Raises
    ------
    ConfigError
        With all problems of all files.
    """
    planned = [run for run in runs if run.status == "planned"]
    problems = check_sources({name: config["datasets"][name] for name in dict.fromkeys(run.dataset for run in planned)})
    notes: list[str] = []
    if any("knowledge" in registry[run.method].gene_vectors for run in planned):
        try:
            notes = _check_tables(**{key: config["gene_knowledge"][key] for key in ("tables", "text_columns")})
        except ValueError as error:
            problems.append(f"gene_knowledge.tables: {error}")
    if len(problems) > 1:
        raise ConfigError("\n".join([f"{len(problems)} problems with the data; nothing was started", *problems]))
    if problems:
        raise ConfigError(problems[0])
    return notes


def _check_tables(tables: Sequence[str], text_columns: Sequence[str] | None) -> list[str]:
    notes = [
        f"gene_knowledge.tables: {path} does not exist and is left out" for path in tables if not Path(path).exists()
    ]
    with suppress(ImportError):  # the environment that Snakemake runs in may lack openpyxl
        from scbench.gene_knowledge.tables import ignored_columns, read_tables

        found = read_tables([path for path in tables if Path(path).exists()], n_rows=ROWS)
        if len(found) and (unknown := [name for name in text_columns or () if name not in found]):
            raise ValueError(f"text_columns names '{unknown[0]}', which no table has; columns: {', '.join(found)}")
        if ignored := ignored_columns(found):
            notes.append(f"gene_knowledge.tables: numbers other than 0 and 1 are left out: {', '.join(ignored)}")
    return notes
