"""Principal component regression: the variance of an embedding explained by a covariate."""

import numpy as np

from scbench.metrics.errors import NotApplicableError
from scbench.seeding import generator

NO_VARIANCE = 1e-14  # of the mean square: what rounding to single precision leaves
NOTHING_EXPLAINED = 1e-12  # of the variance
MIN_CELLS = 10
RANDOM_ORDERS = 99


def pcr_comparison(pca: np.ndarray, X: np.ndarray, batch: np.ndarray) -> float:
    """Reduction of the variance explained by the batch: (before - after) / before, at least 0.

    The fraction of the total variance explained by the batch, summed over principal components, is computed for the PCA
    before integration and for the embedding.

    Range: 0 to 1; 1: the batch explains no variance of the embedding; 0: it explains as much as before, or more.
    Weakness: detects shifts of whole batches only; a change of the scale of a dimension can look like a change of
    mixing; differences in composition count as batch effects, so even perfect mixing within the types can score below
    1. Not applicable if the batch explains no more before integration than in 99 random permutations of the cells,
    because there is no batch effect to remove.
    Source: Büttner et al. 2019, doi 10.1038/s41592-018-0254-1.

    Parameters
    ----------
    pca, X
        (n_cells, n_pcs) before, (n_cells, n_dims) after integration.
    batch
        (n_cells,).
    """
    names, codes = np.unique(batch, return_inverse=True)
    indicators = (codes[:, None] == np.arange(len(names))).astype(np.float64)
    before = explained_variance(pca, indicators)
    if before <= max(NOTHING_EXPLAINED, _explained_by_chance(pca, indicators)):
        raise NotApplicableError("the batch explains no more variance before integration than chance")
    return float(np.clip((before - explained_variance(X, indicators)) / before, 0, 1))


def cell_cycle_conservation(pca: np.ndarray, X: np.ndarray, phases: np.ndarray, batch: np.ndarray) -> float:
    """Conservation of the variance explained by the cell cycle: 1 - |after - before| / before, at least 0.

    The fraction of the variance explained jointly by the S and G2/M scores (principal component regression) is computed
    per batch and averaged over the batches of at least 10 cells.

    Range: 0 to 1; 1: the cell cycle explains as much variance within each batch as before integration.
    Weakness: needs real gene symbols; if few cells divide, the scores and the metric are noise; an increase of the
    explained variance costs as much as a decrease; not calibrated: a cluster-like embedding without cell cycle scores
    0.
    Source: Luecken et al. 2022, doi 10.1038/s41592-021-01336-8, here with one PCA of all batches as the state before.

    Parameters
    ----------
    pca, X
        (n_cells, n_pcs) before, (n_cells, n_dims) after integration.
    phases
        (n_cells, 2) scores of the S and the G2/M phase.
    batch
        (n_cells,).
    """
    kept = []
    for name in np.unique(batch):
        cells = batch == name
        before = explained_variance(pca[cells], phases[cells])
        if cells.sum() >= MIN_CELLS and before > NOTHING_EXPLAINED:
            kept.append(max(0.0, 1 - abs(explained_variance(X[cells], phases[cells]) - before) / before))
    if not kept:
        raise NotApplicableError(f"no batch of at least {MIN_CELLS} cells in which the cell cycle explains variance")
    return float(np.mean(kept))


def _explained_by_chance(X: np.ndarray, indicators: np.ndarray) -> float:
    """Return the largest fraction of the variance that the groups explain in seeded permutations of the cells."""
    X = X - X.mean(axis=0, dtype=np.float64)
    total, sizes = np.square(X).sum(), indicators.sum(axis=0)
    random = generator(0, "explained_by_chance")
    sums = [random.permutation(indicators).T @ X for _ in range(RANDOM_ORDERS)]
    return max((np.square(one).sum(axis=1) / sizes).sum() for one in sums) / (total or 1.0)


def explained_variance(X: np.ndarray, covariates: np.ndarray) -> float:
    """Return the fraction of the variance of `X` explained by a linear regression on the covariates; 0 if none.

    Summing R^2 x variance over all principal components gives the same number, for any rotation.
    """
    X = X.astype(np.float64)
    magnitude = np.square(X).sum()
    X = X - X.mean(axis=0)
    total = np.square(X).sum()
    if total <= NO_VARIANCE * magnitude:
        return 0.0
    left, values, _ = np.linalg.svd(covariates - covariates.mean(axis=0), full_matrices=False)
    basis = left[:, values > 1e-10 * max(values[0], 1e-300)]
    return float(np.square(basis.T @ X).sum() / total)
