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
    files: Mapping[str, Mapping[Run, str | Path]], kinds: Mapping[str, str], **options: Any
) -> dict[str, pd.DataFrame]:
    """Return {name: table} of the tables of summary/, apart from coverage.

    Parameters
    ----------
    files
        {scores | levels | by_type | benchmark: {run: file}}.
    kinds, options
        See `scbench.ranking.uncertainty.ranking_tables`.
    """

    def joined(name: str, read: Callable[[str | Path], pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
        tables = [read(path) for path in files[name].values()]
        return pd.concat(tables) if tables else pd.DataFrame(columns=columns)

    return {
        **ranking_tables(joined("scores", read_scores, SCORE_COLUMNS), kinds, **options),
        "levels": summarise_levels(joined("levels", read_levels, LEVEL_COLUMNS), kinds, **options),
        "by_type": summarise_by_type(joined("by_type", read_by_type, BY_TYPE_COLUMNS)),
        "resources": resources(files["benchmark"]),
    }
