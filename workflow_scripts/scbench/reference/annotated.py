"""The input of a method as AnnData, which packages of other projects work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anndata import AnnData

    from scbench.types import Dataset


def annotated(data: Dataset) -> AnnData:
    """Return the input of a method as AnnData with obs batch and, if the method uses labels, obs cell_type."""
    import anndata
    import numpy as np
    import pandas as pd

    columns = {"batch": pd.Categorical(np.asarray(data.batch_names)[data.batch], data.batch_names)}
    if data.labels is not None:
        columns["cell_type"] = pd.Categorical(data.labels)
    cells = pd.DataFrame(columns, index=[f"cell_{i}" for i in range(data.n_cells)])
    return anndata.AnnData(data.X.copy(), obs=cells, var=pd.DataFrame(index=data.gene_names))
