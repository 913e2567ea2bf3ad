"""Plain tables as TSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from scbench.files import write_table, write_text
from scbench.report.labels import MISSING
from scbench.report.markup import latex_table, markdown_table


def write_plain(
    table: pd.DataFrame,
    files: Mapping[str, str | Path],
    shown: pd.DataFrame | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write a table to `files`, {tsv, md, tex: file}; those that are not listed are not written.

    The TSV has the values of `table`. Markdown and LaTeX show `shown`, or the same values with three decimals, and the
    notes below (in LaTeX as comments).
    """
    shown = table if shown is None else shown
    if "tsv" in files:
        write_table(files["tsv"], table)
    if "md" in files:
        write_text(files["md"], markdown(shown, notes))
    if "tex" in files:
        write_text(files["tex"], latex_table(_cells(shown), _right(shown), notes))


def markdown(table: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """Render as a Markdown table, with the notes below."""
    return markdown_table(_cells(table), _right(table), notes)


def _right(table: pd.DataFrame) -> list[bool]:
    """Return which columns are numbers, which are aligned to the right."""
    return [pd.api.types.is_numeric_dtype(table[column]) for column in table.columns]


def _cells(table: pd.DataFrame) -> list[list[str]]:
    """Return headings and cells as text; columns of whole numbers have no decimals."""
    headings = [name[:1].upper() + name[1:].replace("_", " ") for name in map(str, table.columns)]
    return [headings, *map(list, zip(*(_texts(table[column]) for column in table.columns), strict=True))]


def _texts(values: pd.Series) -> list[str]:
    if not pd.api.types.is_numeric_dtype(values):
        return [MISSING if pd.isna(value) else str(value) for value in values]
    whole = (values.dropna() % 1 == 0).all()
    return [MISSING if pd.isna(value) else f"{value:.{0 if whole else 3}f}" for value in values]
