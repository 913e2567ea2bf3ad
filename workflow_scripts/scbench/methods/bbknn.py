"""BBKNN: connect every cell with its nearest neighbours in each batch; the result is a graph, not an embedding.

Source: Polanski et al. 2020, doi 10.1093/bioinformatics/btz625. Settings: scib.integration.bbknn (Luecken et al. 2022,
doi 10.1038/s41592-021-01336-8): 3 neighbours per batch, 25 from 100,000 cells on; but the neighbour search is exact, as
the trees of the approximate one depend on the number of cores.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench import parameters as p
from scbench.types import Dataset, Embedding, Graph

MANY_CELLS = 100_000


@dataclass(frozen=True, kw_only=True)
class Parameters(p.Parameters):
    """Parameters of BBKNN, by their names in the package.

    Attributes
    ----------
    neighbors_within_batch
        Neighbours of a cell in each batch; None: 3, or 25 from 100,000 cells on.
    trim
        Connections of a cell that are kept, the strongest; None: ten times the number of its neighbours; 0: all.
    """

    neighbors_within_batch: int | None = p.number(None, 1)
    trim: int | None = p.number(None, 0)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the graph, and as X the principal components, (n_cells, n_pcs), in which the neighbours were searched.

    Raises
    ------
    ValueError
        If a batch has fewer cells than neighbours are asked for.
    """
    options = Parameters.of(parameters)
    import bbknn.matrix
    import faiss  # noqa: F401  bbknn.matrix searches with it
    import numba
    import numpy as np

    numba.set_num_threads(min(threads, numba.get_num_threads()))
    k = options.neighbors_within_batch or (3 if data.n_cells < MANY_CELLS else 25)
    sizes = np.bincount(data.batch)
    if sizes.min() < k:
        raise ValueError(f"BBKNN needs {k} cells per batch; {data.batch_names[sizes.argmin()]} has {sizes.min()}")
    settings = {"neighbors_within_batch": k, "n_pcs": data.X.shape[1], "trim": options.trim, "computation": "faiss"}
    distances, connectivities, _ = bbknn.matrix.bbknn(data.X, data.batch, **settings)
    return Embedding(X=data.X.copy(), graph=Graph(connectivities.tocsr(), distances.tocsr()))
