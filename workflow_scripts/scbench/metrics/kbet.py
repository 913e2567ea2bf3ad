"""kBET, with the constants of scib-metrics 0.5.10 but without three of its defects.

scib-metrics computes eigenvalues in single precision from a random start. Occasionally the trivial eigenvalue is below
1, dominates all others by a factor of ten million, and changes the score. A small cell type lowers the number of
diffusion components of all types that follow it in alphabetical order. The approximate neighbour search takes 20 s to
compile in every process, although exact search within a type is fast.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh
from scipy.special import chdtrc

from scbench.graphs.neighbours import EXACT_BELOW, nearest, nearest_of_each_cell
from scbench.metrics.groups import mean_over_types
from scbench.seeding import generator

ALPHA = 0.05
N_COMPONENTS = 100
MIN_CELLS = 10
TRIVIAL = 1 - 1e-9
PRECISION = 1e-5  # of eigenvectors, which gives eigenvalues to 1e-10 in three quarters of the time of full precision
N_TESTED = 5_000  # cells of a type, in large datasets
ROUGH = 1e-2  # precision of eigenvectors in single precision, in a fifth of the time


def kbet(accepted: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of cells whose diffusion neighbours have the batch composition of their cell type; mean over types.

    A chi-square test (alpha 0.05) is applied to the 10 to 70 nearest neighbours of each cell in the diffusion map of
    the type's graph of 50 neighbours. Types of fewer than 10 cells or of a single batch are left out. A type scores 0
    if a quarter of its cells is in small components of the graph. In datasets of 50,000 cells or more, a seeded sample
    of 5,000 cells of each larger type is tested, in a less precise diffusion map (error: docs/lab/scores.md).

    Range: 0 to 1; perfect mixing gives about 0.95, because random batches pass the test for 95 % of the cells.
    Weakness: strict; near 0 for all methods on many real datasets; more cells make the test stricter.
    Source: Büttner et al. 2019, doi 10.1038/s41592-018-0254-1; per cell type as in Luecken et al. 2022.

    Parameters
    ----------
    accepted
        (n_cells,) from `kbet_accepted`.
    labels
        (n_cells,).
    """
    return mean_over_types(accepted, labels, f"no cell type of at least {MIN_CELLS} cells is in several batches")


def kbet_accepted(connectivities: sparse.spmatrix, batch: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return whether the neighbourhood of a cell passes a chi-square test of the batches of its type.

    Parameters
    ----------
    connectivities
        (n_cells, n_cells) symmetric weights of the neighbour graph.
    batch, labels
        (n_cells,).

    Returns
    -------
    (n_cells,) 1 (passed), 0 or nan: missing for types of fewer than 10 cells or of a single batch, and for cells in
    small components of the graph; 0 for all cells of a type of which a quarter is in small components. From 50,000
    cells on, 5,000 cells of each larger type are tested, and the others are missing.
    """
    graph = sparse.csr_matrix(connectivities, dtype=np.float64)
    accepted = np.full(len(labels), np.nan)
    for label in np.unique(labels):
        cells = np.flatnonzero(labels == label)
        sample = len(labels) >= EXACT_BELOW and len(cells) > N_TESTED
        accepted[cells] = _accepted(graph[cells][:, cells], batch[cells], sample)
    return accepted


def _accepted(graph: sparse.csr_matrix, batch: np.ndarray, sample: bool) -> np.ndarray:
    """Return the result of the test for the cells of one type, or for a sample of them."""
    accepted = np.full(len(batch), np.nan)
    sizes = np.unique(batch, return_counts=True)[1]
    if len(batch) < MIN_CELLS or len(sizes) == 1:
        return accepted
    k = int(min(70, max(10, sizes.mean() // 4)))
    component = connected_components(graph, directed=False)[1]
    members = np.bincount(component)
    tested = members[component] >= 3 * k if len(members) > 1 else np.ones(len(batch), dtype=bool)
    if tested.mean() < 0.75 or tested.sum() <= k + 1:
        return np.zeros(len(batch))
    cells = np.flatnonzero(tested)
    diffusion = diffusion_map(graph[cells][:, cells], rough=sample)
    chosen = np.arange(len(cells))
    if sample and len(cells) > N_TESTED:
        chosen = np.sort(generator(0, "kbet").choice(len(cells), N_TESTED, replace=False))
        indices, _ = nearest(diffusion, diffusion[chosen], k + 1)
    else:
        indices, _ = nearest_of_each_cell(diffusion, k + 1)
    accepted[cells[chosen]] = composition_test(indices, batch[cells]) >= ALPHA
    return accepted


def diffusion_map(graph: sparse.csr_matrix, *, rough: bool = False) -> np.ndarray:
    """Embed the cells so that Euclidean distances are diffusion distances over all time scales; (n_cells, <= 100).

    Source: Coifman and Lafon 2006, density-normalised; eigenvectors weighted by e / (1 - e), the trivial one by 1.
    """
    values, vectors = spectrum(graph, N_COMPONENTS, rough=rough)
    trivial = values > TRIVIAL
    return vectors * np.where(trivial, 1.0, values / (1 - np.where(trivial, 0.0, values)))


def spectrum(graph: sparse.csr_matrix, n_components: int, *, rough: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest eigenvalues and eigenvectors of the density-normalised, symmetric transitions of a graph.

    Parameters
    ----------
    rough
        Whether to search the eigenvectors in single precision, with a larger tolerance, and to compute the eigenvalues
        within the space of what was found (Rayleigh and Ritz) in double precision, so that trivial ones are exact.
    """
    density = sparse.diags(1 / np.asarray(graph.sum(axis=0)).ravel())
    kernel = density @ graph @ density
    scale = sparse.diags(1 / np.sqrt(np.asarray(kernel.sum(axis=0)).ravel()))
    transitions = (scale @ kernel @ scale).tocsr()
    n_cells = graph.shape[0]
    k, ncv = min(n_components, n_cells - 1), min(n_cells, max(3 * n_components // 2, 40))
    start = generator(0, "diffusion_map").standard_normal(n_cells)
    if not rough:
        return eigsh(transitions, k=k, v0=start, tol=PRECISION, ncv=ncv)
    _, found = eigsh(transitions.astype(np.float32), k=k, v0=start.astype(np.float32), tol=ROUGH, ncv=ncv)
    basis = np.linalg.qr(found.astype(np.float64))[0]
    values, rotation = np.linalg.eigh(basis.T @ (transitions @ basis))
    return values, basis @ rotation


def composition_test(indices: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Return the p-value per cell of a chi-square test of the batches of its neighbours against those of all cells."""
    names, codes = np.unique(batch, return_inverse=True)
    expected = np.bincount(codes) / len(codes) * indices.shape[1]
    observed = (codes[indices][:, :, None] == np.arange(len(names))).sum(axis=1)
    statistic = ((observed - expected) ** 2 / expected).sum(axis=1)
    return chdtrc(len(names) - 1, statistic)
