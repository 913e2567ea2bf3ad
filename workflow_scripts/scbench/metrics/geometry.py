"""Conservation of geometry: distances between cell types, between cells of one type, and along a trajectory."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from scbench.metrics.errors import NotApplicableError
from scbench.metrics.groups import group_means
from scbench.metrics.kbet import spectrum
from scbench.metrics.silhouette import sample

TRIM = 0.05
LEAST_OF_TYPE = 10
LEAST_TYPES = 3
LEAST_OF_GROUP = 30
MAX_CELLS = 500
N_DIFFUSION = 15
N_PSEUDOTIME = 10
NEARLY_TRIVIAL = 0.9994  # as in scanpy


def scgraph(X: np.ndarray, batch_pca: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """Agreement of the distances between cell types with those within batches: weighted Pearson correlation.

    Types are represented by trimmed means (5 % at each end). Their distances in the PCA of each batch alone, divided by
    the largest of each type, are averaged over the batches. For each type, these are compared with the same distances
    in the embedding, with weights 1 / distance, and the correlations are averaged. Types of fewer than 10 cells and
    batches of fewer than 100 are left out.

    Range: -1 to 1; 1: the types are related to each other as they are within the batches.
    Weakness: needs at least three types; with a few types, a correlation is over a few numbers; blind to batches and to
    everything within a type.
    Source: Wang et al. 2024, doi 10.1101/2024.04.02.587824 (scgraph-eval 0.1.2, Corr-Weighted).

    Parameters
    ----------
    X
        (n_cells, n_dims).
    batch_pca
        (n_cells, 10) PCA of the batch of each cell; missing (nan) for small batches.
    batch, labels
        (n_cells,).
    """
    names, sizes = np.unique(labels, return_counts=True)
    names = names[sizes >= LEAST_OF_TYPE]
    batches = np.unique(batch[np.isfinite(batch_pca).all(axis=1)])
    if len(names) < LEAST_TYPES:
        raise NotApplicableError(f"{len(names)} cell types have {LEAST_OF_TYPE} cells; {LEAST_TYPES} are needed")
    each = [_type_distances(batch_pca[batch == name], labels[batch == name], names) for name in batches]
    consensus = _nan_mean(np.stack(each))
    with np.errstate(invalid="ignore"):  # a type without another one in its batches
        consensus = consensus / np.nan_to_num(consensus).max(axis=0)
    found = np.nan_to_num(_type_distances(X, labels, names))  # 0 if all types are at one place
    correlations = [_weighted_correlation(found[:, i], consensus[:, i]) for i in range(len(names))]
    if not np.isfinite(correlations).any():
        raise NotApplicableError(f"no {LEAST_TYPES} cell types of at least {LEAST_OF_TYPE} cells are in one batch")
    return float(np.nanmean(correlations))


def within_type_conservation(pca: np.ndarray, X: np.ndarray, batch: np.ndarray, labels: np.ndarray) -> float:
    """Correlation of the distances between the cells of one type in one batch before and after integration.

    The Pearson correlation of all pairwise distances in the PCA and in the embedding is computed for each type in each
    batch with at least 30 cells (a seeded sample of 500 if there are more) and averaged over batches, then over types.

    Range: -1 to 1; 1: all distances within types are kept up to a factor; 0: the cells of a type lie at random.
    Weakness: the unintegrated PCA scores 1 by definition; the PCA of a pure cell type is mostly noise, and a method
    that removes it is penalised.
    Source: conservation within cell types of Yi et al. 2025 (scIB-E), doi 10.1186/s13059-025-03869-7; the formula is
    ours, because theirs was not published as code.

    Parameters
    ----------
    pca, X
        (n_cells, n_pcs) before, (n_cells, n_dims) after integration.
    batch, labels
        (n_cells,).
    """
    from scipy.spatial.distance import pdist

    means = []
    for label in np.unique(labels):
        of_type = []
        for name in np.unique(batch):
            cells = np.flatnonzero((labels == label) & (batch == name))
            if len(cells) >= LEAST_OF_GROUP:
                cells = cells[sample(np.zeros(len(cells)), MAX_CELLS)]
                of_type.append(_correlation(pdist(pca[cells]), pdist(X[cells])))
        if of_type:
            means.append(np.mean(of_type))
    if not means:
        raise NotApplicableError(f"no cell type has {LEAST_OF_GROUP} cells in one batch")
    return float(np.mean(means))


def trajectory_conservation(connectivities: sparse.csr_matrix, pseudotime: np.ndarray) -> float:
    """Rank correlation of a given pseudotime with the diffusion pseudotime of the embedding: (Spearman's rho + 1) / 2.

    The graph is restricted to the cells with a pseudotime; the root is the first of them in its largest component.
    Cells outside this component have the diffusion pseudotime 0, as in scib.

    Range: 0 to 1; 1: the same order of the cells; 0.5: no relation.
    Weakness: needs a trajectory that somebody trusts; one path only, since branches share their pseudotime; a method
    that tears the path apart loses all cells beyond the gap.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8; Haghverdi et al. 2016, doi 10.1038/nmeth.3971.

    Parameters
    ----------
    connectivities
        (n_cells, n_cells) symmetric weights of the graph of 15 neighbours.
    pseudotime
        (n_cells,) before integration, missing (nan) for cells that are not on the trajectory.
    """
    cells = np.flatnonzero(np.isfinite(pseudotime))
    graph = sparse.csr_matrix(connectivities)[cells][:, cells]
    _, component = connected_components(graph, directed=False)
    inside = np.flatnonzero(component == np.bincount(component).argmax())
    if len(inside) <= N_DIFFUSION:
        raise NotApplicableError(f"{len(inside)} connected cells have a pseudotime; more than {N_DIFFUSION} are needed")
    found = np.zeros(len(cells))
    found[inside] = diffusion_pseudotime(graph[inside][:, inside], int(np.argmin(pseudotime[cells[inside]])))
    return (_correlation(_ranks(pseudotime[cells]), _ranks(found)) + 1) / 2


def diffusion_pseudotime(graph: sparse.csr_matrix, root: int) -> np.ndarray:
    """Return the diffusion distance of each cell from the cell `root`, (n_cells,), as scanpy.tl.dpt before scaling."""
    values, vectors = spectrum(graph, N_DIFFUSION)
    leading = np.argsort(-values)[:N_PSEUDOTIME]
    values, vectors = values[leading], vectors[:, leading]
    nearly = values >= NEARLY_TRIVIAL
    weights = np.where(nearly, 1.0, values / (1 - np.where(nearly, 0.0, values)))
    return np.sqrt(np.square((vectors - vectors[root]) * weights).sum(axis=1))


def _type_distances(X: np.ndarray, labels: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Return distances between trimmed means of types, each column over its largest; nan for types without cells."""
    centres = np.full((len(names), X.shape[1]), np.nan)
    for row, name in enumerate(names):
        values = np.sort(X[labels == name].astype(np.float64), axis=0)
        if len(values):
            cut = int(TRIM * len(values))
            centres[row] = values[cut : len(values) - cut].mean(axis=0)
    distances = np.sqrt(np.square(centres[:, None] - centres[None]).sum(axis=2))
    largest = np.nanmax(np.where(np.isfinite(distances), distances, 0), axis=0)
    return np.divide(distances, largest, out=np.full_like(distances, np.nan), where=largest > 0)


def _nan_mean(stack: np.ndarray) -> np.ndarray:
    present = np.isfinite(stack)
    counts = present.sum(axis=0)
    return np.divide(
        np.where(present, stack, 0).sum(axis=0), counts, out=np.full(counts.shape, np.nan), where=counts > 0
    )


def _weighted_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return the Pearson correlation with weights 1 / y (0 where y is 0); nan if fewer than three values are given."""
    given = np.isfinite(x) & np.isfinite(y)
    x, y = x[given], y[given]
    weights = np.divide(1.0, y, out=np.zeros_like(y), where=y > 0)
    if (weights > 0).sum() < LEAST_TYPES - 1:
        return np.nan
    weights /= weights.sum()
    x, y = x - (weights * x).sum(), y - (weights * y).sum()
    spread = np.sqrt((weights * x * x).sum() * (weights * y * y).sum())
    return float((weights * x * y).sum() / spread) if spread > 0 else 0.0


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return the Pearson correlation, 0 if one of them is constant."""
    x, y = x - x.mean(), y - y.mean()
    spread = np.sqrt(np.square(x).sum() * np.square(y).sum())
    return float((x * y).sum() / spread) if spread > 0 else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks of the values; equal values share their mean rank."""
    _, codes = np.unique(values, return_inverse=True)
    return group_means(np.argsort(np.argsort(values, kind="stable")).astype(np.float64), codes)[codes]
