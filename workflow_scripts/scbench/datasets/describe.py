"""A dataset in numbers."""

from __future__ import annotations

import pandas as pd


def describe(n_genes: int, truth: pd.DataFrame, selection: str) -> dict[str, int | str | None]:
    """Return the numbers of cells, genes (HVG), batches and cell types, and the sizes of the smallest ones.

    Parameters
    ----------
    n_genes
        Number of genes that the methods receive.
    truth
        Table with the columns batch and cell_type ("" if unknown).
    selection
        How the cells were selected.

    Returns
    -------
    cells, genes, batches, smallest_batch, cell_types, smallest_cell_type, selection; the cell types are None if they
    are unknown.
    """
    batches = truth["batch"].value_counts()
    types = truth.loc[truth["cell_type"] != "", "cell_type"].value_counts()
    return {
        "cells": len(truth),
        "genes": n_genes,
        "batches": len(batches),
        "smallest_batch": int(batches.min()),
        "cell_types": len(types) or None,
        "smallest_cell_type": int(types.min()) if len(types) else None,
        "selection": selection,
    }
