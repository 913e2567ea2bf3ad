"""The projections on the page: positions of the cells, packed into a few bytes per cell."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scbench.checks import LABEL_PREFIX, require
from scbench.files import read_table
from scbench.integrity import usable
from scbench.report.figures import category_colours
from scbench.seeding import generator

MAX_CELLS = 20_000
MAX_POINTS = 3_000_000  # of all projections together: about 10 MB
LEVELS = 2048  # positions along an axis


def pack_dataset(
    files: Mapping[tuple[str, int], str | Path], truth: pd.DataFrame, *, name: str, max_cells: int
) -> tuple[dict[str, Any], list[str]]:
    """Pack the projections of the runs on one dataset.

    Parameters
    ----------
    files
        {(method, seed): table of `scbench.analyses.projection`}, all of the same cells. Broken ones are left out.
    truth
        Table with cell_id, batch and cell_type, and possibly further levels of cell types.
    max_cells
        Larger datasets are sampled, with a fixed seed; all runs show the same cells.

    Returns
    -------
    Description with the number of cells and the categories of the cells, and one packed text per run. A packed text is
    base64 of gzip of the low bytes, then the high bytes, of each column of 16-bit integers.

    Raises
    ------
    ContractError
        If the runs have different cells, or cells that the dataset does not have.
    """
    described = truth.set_index("cell_id")
    first: np.ndarray | None = None
    texts = []
    tables = usable(files, partial(read_table, text=["cell_id"]))
    for run, table in tables.items():
        path, cells = files[run], table["cell_id"].to_numpy()
        if first is None:
            first = cells
            require(bool(pd.Index(first).isin(described.index).all()), path, "has cells that the dataset does not have")
            described = described.loc[first]
            shown = _sample(described, name, max_cells)
        require(
            np.array_equal(cells, first), path, "its cells are not those of the other runs; remove it and run again"
        )
        texts.append(_packed([_levels(table[axis].to_numpy(float)[shown]) for axis in ("x", "y")]))
    twice = {column for column in described if column.startswith(LABEL_PREFIX)}
    twice = {column for column in twice if described[column].equals(described["cell_type"])}
    columns = [column for column in described if column not in twice and (described[column] != "").any()]
    categories = [_categories(column, described[column].to_numpy()[shown]) for column in columns]
    runs = [[method, seed] for method, seed in tables]
    return {"cells": len(truth), "shown": len(shown), "categories": categories, "runs": runs}, texts


def cells_per_run(n_runs: int) -> int:
    """Return how many cells each projection may show, so that the page stays small."""
    return min(MAX_CELLS, MAX_POINTS // max(n_runs, 1))


def _sample(described: pd.DataFrame, name: str, max_cells: int) -> np.ndarray:
    """Choose cells; similar ones stand together, which makes the packed text small."""
    chosen = np.arange(len(described))
    if len(chosen) > max_cells:
        chosen = generator(0, "page", name).choice(len(described), max_cells, replace=False)
    columns = [described[column].to_numpy().astype(str)[chosen] for column in ("batch", "cell_type")]
    return chosen[np.lexsort(columns)]


def _levels(values: np.ndarray) -> np.ndarray:
    span = np.ptp(values) or 1.0
    return np.round((values - values.min()) / span * (LEVELS - 1)).astype(np.uint16)


def _categories(column: str, values: np.ndarray) -> dict[str, Any]:
    names, codes = np.unique(values.astype(str), return_inverse=True)
    colours = category_colours(list(names))
    return {
        "id": column,
        "names": list(names),
        "colours": [colours[name] for name in names],
        "codes": _packed([codes.astype(np.uint16)]),
    }


def _packed(columns: list[np.ndarray]) -> str:
    planes = [plane for column in columns for plane in (column & 255, column >> 8)]
    compressed = gzip.compress(b"".join(plane.astype(np.uint8).tobytes() for plane in planes), 6, mtime=0)
    return base64.b64encode(compressed).decode("ascii")
