"""kBET, with the constants of scib-metrics 0.5.10 but without three of its defects.

scib-metrics computes eigenvalues in single precision from a random start. Occasionally the trivial eigenvalue is below
1, dominates all others by a factor of ten million, and changes the score. A small cell type lowers the number of
diffusion components of all types that follow it in alphabetical order. The approximate neighbour search takes 20 s to
compile in every process, although exact search within a type is fast.
"""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh
from scipy.special import chdtrc

from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.metrics.errors import NotApplicableError
from scbench.seeding import generator

ALPHA = 0.05
N_COMPONENTS = 100
MIN_CELLS = 10
TRIVIAL = 1 - 1e-9


def kbet(connectivities: sparse.spmatrix, batch: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of cells whose diffusion neighbours have the batch composition of their cell type; mean over types.

    A chi-square test (alpha 0.05) is applied to the 10 to 70 nearest neighbours of each cell in the diffusion map of
    the type's graph of 50 neighbours. Types of fewer than 10 cells or of a single batch are left out. A type scores 0
    if a quarter of its cells is in small components of the graph.

    Range: 0 to 1; perfect mixing gives about 0.95, because random batches pass the test for 95 % of the cells.
    Weakness: strict; near 0 for all methods on many real datasets; more cells make the test stricter.
    Source: Büttner et al. 2019, doi 10.1038/s41592-018-0254-1; per cell type as in Luecken et al. 2022.

    Parameters
    ----------
    connectivities
        (n_cells, n_cells) symmetric weights of the neighbour graph.
    batch, labels
        (n_cells,).
    """
    accepted = kbet_per_label(connectivities, batch, labels).dropna()
    if accepted.empty:
        raise NotApplicableError(f"no cell type of at least {MIN_CELLS} cells is in several batches")
    return float(accepted.mean())


def kbet_per_label(connectivities: sparse.spmatrix, batch: np.ndarray, labels: np.ndarray) -> pd.Series:
    """Return, per cell type, the fraction of cells whose neighbourhood passes a chi-square test of the batches.

    Parameters
    ----------
    connectivities
        (n_cells, n_cells) symmetric weights of the neighbour graph.
    batch, labels
        (n_cells,).

    Returns
    -------
    One value in [0, 1] per cell type, where 1 is best; missing for a type of fewer than 10 cells or of a single batch.
    The value is 0 if a quarter of the cells of the type is in small components of the graph.
    """
    graph = sparse.csr_matrix(connectivities, dtype=np.float64)
    return pd.Series({label: _acceptance(graph, batch, np.flatnonzero(labels == label)) for label in np.unique(labels)})


def _acceptance(graph: sparse.csr_matrix, batch: np.ndarray, cells: np.ndarray) -> float:
    sizes = pd.Series(batch[cells]).value_counts()
    if len(cells) < MIN_CELLS or len(sizes) == 1:
        return np.nan
    k = int(min(70, max(10, sizes.mean() // 4)))
    n_components, component = connected_components(graph[cells][:, cells], directed=False)
    if n_components > 1:
        large = np.flatnonzero(np.bincount(component) >= 3 * k)
        kept = np.isin(component, large)
        if kept.mean() < 0.75:
            return 0.0
        cells = cells[kept]
    if len(cells) <= k + 1:
        return 0.0
    indices, _ = nearest_of_each_cell(diffusion_map(graph[cells][:, cells]), k + 1)
    return float((composition_test(indices, batch[cells]) >= ALPHA).mean())


def diffusion_map(graph: sparse.csr_matrix) -> np.ndarray:
    """Embed the cells so that Euclidean distances are diffusion distances over all time scales; (n_cells, <= 100).

    Source: Coifman and Lafon 2006, density-normalised; eigenvectors weighted by e / (1 - e), the trivial one by 1.
    """
    density = sparse.diags(1 / np.asarray(graph.sum(axis=0)).ravel())
    kernel = density @ graph @ density
    scale = sparse.diags(1 / np.sqrt(np.asarray(kernel.sum(axis=0)).ravel()))
    transitions = scale @ kernel @ scale
    n_cells = graph.shape[0]
    start = generator(0, "diffusion_map").standard_normal(n_cells)
    values, vectors = eigsh(transitions, k=min(N_COMPONENTS, n_cells - 1), v0=start)
    trivial = values > TRIVIAL
    return vectors * np.where(trivial, 1.0, values / (1 - np.where(trivial, 0.0, values)))


def composition_test(indices: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Return the p-value per cell of a chi-square test of the batches of its neighbours against those of all cells."""
    names, codes = np.unique(batch, return_inverse=True)
    expected = np.bincount(codes) / len(codes) * indices.shape[1]
    observed = (codes[indices][:, :, None] == np.arange(len(names))).sum(axis=1)
    statistic = ((observed - expected) ** 2 / expected).sum(axis=1)
    return chdtrc(len(names) - 1, statistic)
