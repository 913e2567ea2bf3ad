"""All tables of summary/, from the files of the runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scbench.checks import BY_TYPE_COLUMNS, LEVEL_COLUMNS, SCORE_COLUMNS
from scbench.files import read_scores
from scbench.ranking.by_type import summarise_by_type
from scbench.ranking.costs import resources
from scbench.ranking.levels import summarise_levels
from scbench.ranking.summary import Run
from scbench.ranking.uncertainty import ranking_tables
from scbench.score_files import read_by_type, read_levels


def summary_tables(
    *,
    scores: Sequence[str | Path],
    levels: Sequence[str | Path],
    by_type: Sequence[str | Path],
    benchmarks: Mapping[Run, str | Path],
    kinds: Mapping[str, str],
    **options: Any,
) -> dict[str, pd.DataFrame]:
    """Return {name: table} of the tables of summary/, apart from coverage.

    Parameters
    ----------
    scores, levels, by_type
        The files of these names of all runs.
    benchmarks
        {run: benchmark.jsonl} of the runs that have a run time.
    kinds, options
        See `scbench.ranking.uncertainty.ranking_tables`.
    """
    return {
        **ranking_tables(_joined(scores, read_scores, SCORE_COLUMNS), kinds, **options),
        "levels": summarise_levels(_joined(levels, read_levels, LEVEL_COLUMNS), kinds, **options),
        "by_type": summarise_by_type(_joined(by_type, read_by_type, BY_TYPE_COLUMNS)),
        "resources": resources(benchmarks),
    }


def _joined(files: Sequence[str | Path], read: Callable[[str | Path], pd.DataFrame], columns: Sequence[str]):
    return pd.concat(map(read, files)) if files else pd.DataFrame(columns=columns)
