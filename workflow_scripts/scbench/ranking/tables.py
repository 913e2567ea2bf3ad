"""All tables of summary/, from the files of the runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scbench.checks import BY_TYPE_COLUMNS, LEVEL_COLUMNS, SCORE_COLUMNS
from scbench.files import read_scores
from scbench.integrity import BrokenFileError
from scbench.ranking.by_type import summarise_by_type
from scbench.ranking.costs import RESOURCE_COLUMNS, resources
from scbench.ranking.levels import summarise_levels
from scbench.ranking.summary import Run
from scbench.ranking.uncertainty import ranking_tables
from scbench.score_files import read_by_type, read_levels

RUN_TABLES = ("scores", "levels", "by_type")
COLUMNS = {"scores": SCORE_COLUMNS, "levels": LEVEL_COLUMNS, "by_type": BY_TYPE_COLUMNS, "resources": RESOURCE_COLUMNS}


def summary_tables(
    files: Mapping[Run, Mapping[str, str | Path]],
    *,
    kinds: Mapping[str, str],
    metrics: Collection[str] | None = None,
    **options: Any,
) -> tuple[dict[str, pd.DataFrame], dict[Run, BrokenFileError]]:
    """Return {name: table} of the tables of summary/, apart from coverage, and {run: problem} of runs left out.

    Parameters
    ----------
    files
        {run: {name: file}}: RUN_TABLES, of which results of earlier versions have scores only, and benchmark, if the
        run has a run time. A run that has a broken file is left out of all tables.
    metrics
        Metrics that every scores.tsv must have; None: any.
    kinds, options
        See `scbench.ranking.uncertainty.ranking_tables`.
    """
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    broken = {}
    for run, given in files.items():
        try:
            found = _tables_of(run, given, metrics)
        except BrokenFileError as error:
            broken[run] = error
        else:
            for name, table in found.items():
                tables[name].append(table)
    joined = {name: _joined(found, COLUMNS[name]) for name, found in tables.items()}
    made = {
        **ranking_tables(joined["scores"], kinds, **options),
        "levels": summarise_levels(joined["levels"], kinds, **options),
        "by_type": summarise_by_type(joined["by_type"]),
        "resources": joined["resources"],
    }
    return made, broken


def _tables_of(run: Run, files: Mapping[str, str | Path], metrics: Collection[str] | None) -> dict[str, pd.DataFrame]:
    found = {"scores": read_scores(files["scores"], run, metrics)}
    if "levels" in files:
        found["levels"] = read_levels(files["levels"], run)
    if "by_type" in files:
        found["by_type"] = read_by_type(files["by_type"], run)
    if "benchmark" in files:
        found["resources"] = resources({run: files["benchmark"]})
    return found


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    return pd.concat(tables) if tables else pd.DataFrame(columns=columns)
