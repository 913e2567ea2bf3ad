"""Genes in the embedding: autocorrelation of their expression on the neighbour graph."""

import numpy as np
from scipy import sparse

from scbench.metrics.errors import NotApplicableError


def morans_i(connectivities: sparse.csr_matrix, expression: sparse.csr_matrix, batch: np.ndarray) -> float:
    """Moran's I of the variable genes on the neighbour graph, with the mean of each batch subtracted; mean over genes.

    Moran's I of a gene is (n_cells / sum of all weights) x sum of w_ij z_i z_j / sum of z_i^2, where z is its
    log-normalised expression minus the mean of the batch. It is computed for the 500 most variable genes.

    Range: -1 to 1; 1: neighbours have the same expression; 0: neighbours are like any other cells of their batches.
    Weakness: real data are far below 1, because counts are noisy, so it is only comparable within a dataset; a graph of
    batches that do not mix is not penalised.
    Source: Moran 1950, doi 10.2307/2332142; in scib without subtracting the batch means, which rewards batch effects.

    Parameters
    ----------
    connectivities
        (n_cells, n_cells) symmetric weights of the graph of 15 neighbours.
    expression
        (n_cells, n_genes) log-normalised expression.
    batch
        (n_cells,).
    """
    z = _without_batch_means(np.asarray(sparse.csr_matrix(expression).todense(), dtype=np.float64), batch)
    total = np.square(z).sum(axis=0)
    varying = total > 0
    if not varying.any():
        raise NotApplicableError("no gene varies within a batch")
    z = z[:, varying]
    graph = sparse.csr_matrix(connectivities, dtype=np.float64)
    along_edges = np.einsum("ij,ij->j", z, graph @ z)
    return float((len(z) / graph.sum() * along_edges / total[varying]).mean())


def _without_batch_means(X: np.ndarray, batch: np.ndarray) -> np.ndarray:
    for name in np.unique(batch):
        cells = batch == name
        X[cells] -= X[cells].mean(axis=0)
    return X
