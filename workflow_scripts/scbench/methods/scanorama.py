"""Scanorama: stitch the batches together along mutual nearest neighbours in a joint low-dimensional space.

Source: Hie et al. 2019, doi 10.1038/s41587-019-0113-3. Settings: scib.integration.scanorama (Luecken et al. 2022, doi
10.1038/s41592-021-01336-8), which are the defaults: 100 dimensions, 20 neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench import parameters as p
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(p.Parameters):
    """Parameters of Scanorama, by their names in the package.

    Attributes
    ----------
    dimred
        Dimensions of the embedding.
    knn
        Neighbours searched in another batch.
    sigma
        Width of the kernel that smooths the correction.
    alpha
        Minimum share of matched cells for two batches to be stitched.
    """

    dimred: int = p.number(100, 2)
    knn: int = p.number(20, 1)
    sigma: float = p.number(15.0, above=0)
    alpha: float = p.number(0.1, 0, 1)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the joint embedding, (n_cells, dimred); batches are given in their order."""
    from dataclasses import asdict
    from unittest import mock

    options = Parameters.of(parameters)
    import annoy
    import numpy as np
    import scanorama

    class Index(annoy.AnnoyIndex):
        def build(self, n_trees, n_jobs=threads):  # annoy uses all cores, and its trees depend on their number
            return super().build(n_trees, n_jobs=n_jobs)

    cells = [np.flatnonzero(data.batch == code) for code in range(len(data.batch_names))]
    genes = [list(data.gene_names)] * len(cells)
    with mock.patch.object(scanorama.scanorama, "AnnoyIndex", Index):
        found, _ = scanorama.integrate([data.X[rows] for rows in cells], genes, seed=seed, **asdict(options))
    X = np.empty((data.n_cells, found[0].shape[1]), dtype=np.float32)
    X[np.concatenate(cells)] = np.concatenate(found)
    return Embedding(X=X)
