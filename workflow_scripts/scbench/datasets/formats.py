"""Formats that are known by the name of a file."""

from __future__ import annotations

from pathlib import Path

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
ZARR = (".zgroup", "zarr.json")  # of a folder, formats 2 and 3


def plain_suffix(path: Path) -> str:
    """Return the suffix of a file name in lower case, without .gz."""
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()


def separator(path: Path) -> str:
    """Return what separates the columns of a text file: a comma in .csv, a tab in the other formats."""
    return "," if plain_suffix(path) == ".csv" else "\t"
