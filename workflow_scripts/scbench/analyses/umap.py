"""UMAP of embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd


def umap_table(embeddings: Mapping[str, np.ndarray], truth: pd.DataFrame) -> pd.DataFrame:
    """Compute one UMAP per embedding.

    Parameters
    ----------
    embeddings
        {method: (n_cells, n_dims)}, rows as in `truth`.
    truth
        Columns cell_id, batch, cell_type.

    Returns
    -------
    Table with the columns method, cell_id, umap_1, umap_2, batch, cell_type; methods in the given order. Source:
    McInnes et al. 2018, umap-learn with 15 neighbours, min_dist 0.3, 200 epochs and a fixed random state.
    """
    import umap

    tables = []
    for method, X in embeddings.items():
        mapper = umap.UMAP(n_neighbors=min(15, len(X) - 1), min_dist=0.3, n_epochs=200, random_state=0, n_jobs=1)
        with warnings.catch_warnings():  # about graphs with several components, which good embeddings have
            warnings.simplefilter("ignore")
            xy = mapper.fit_transform(X).round(4)
        table = truth[["cell_id", "batch", "cell_type"]].reset_index(drop=True)
        tables.append(table.assign(method=method, umap_1=xy[:, 0], umap_2=xy[:, 1]))
    return pd.concat(tables, ignore_index=True)[["method", "cell_id", "umap_1", "umap_2", "batch", "cell_type"]]
