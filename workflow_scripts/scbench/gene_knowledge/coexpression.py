"""Co-expressed gene pairs, computed on metacells because single cells are too sparse for correlations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from scbench.files import atomic
from scbench.prepared import target_sum
from scbench.types import ContractError

if TYPE_CHECKING:
    from anndata import AnnData

LEAST_PAIRS_PER_GENE = 5  # with fewer pairs, nearest genes are used instead of the threshold
NEAREST_GENES = 10


def of_dataset(dataset: AnnData, *, cells_per_metacell: int, threshold: float) -> tuple[np.ndarray, dict]:
    """Return the co-expressed gene pairs of a prepared dataset and a report; see `coexpressed_pairs`."""
    batch = dataset.obs["batch"].cat.codes.to_numpy()
    group = metacells(dataset.obsm["X_pca"], batch, cells_per_metacell)
    scaling = {"total_counts": dataset.obs["total_counts"].to_numpy(), "target_sum": target_sum(dataset)}
    pairs, report = coexpressed_pairs(correlations(dataset.layers["counts"], batch, group, **scaling), threshold)
    return pairs, {"metacells": int(group.max()) + 1, **report}


def metacells(pca: np.ndarray, batch: np.ndarray, size: int) -> np.ndarray:
    """Group neighbouring cells of a batch by median splits along the principal component of largest variance.

    Parameters
    ----------
    pca
        (n_cells, n_pcs).
    batch
        (n_cells,) codes.
    size
        Groups have more than size / 2 and at most `size` cells, except in smaller batches.

    Returns
    -------
    (n_cells,) codes of the groups.
    """
    todo = [np.flatnonzero(batch == code) for code in np.unique(batch)]
    groups = []
    while todo:
        cells = todo.pop()
        if len(cells) <= size:
            groups.append(cells)
            continue
        along = pca[cells, pca[cells].var(axis=0).argmax()]
        todo += np.array_split(cells[np.argsort(along, kind="stable")], 2)
    codes = np.empty(len(batch), dtype=np.int64)
    for code, cells in enumerate(groups):
        codes[cells] = code
    return codes


def correlations(
    counts: sparse.csr_matrix, batch: np.ndarray, group: np.ndarray, *, total_counts: np.ndarray, target_sum: float
) -> np.ndarray:
    """Return the Pearson correlation of genes over metacells, within batches.

    The log-normalised expression of a metacell is taken relative to the mean of its batch, so that differences between
    batches do not cause correlations.

    Parameters
    ----------
    counts, batch, group
        (n_cells, n_genes) CSR; (n_cells,) codes; (n_cells,) codes of metacells.
    total_counts, target_sum
        (n_cells,) counts over all genes; counts per metacell after normalisation.

    Returns
    -------
    (n_genes, n_genes) float32; 0 for a gene that does not vary.
    """
    member = sparse.csr_matrix((np.ones(len(group)), (group, np.arange(len(group)))))
    expression = np.log1p((member @ counts).toarray() * (target_sum / (member @ total_counts))[:, None])
    batch_of_group = np.zeros(len(expression), dtype=np.int64)
    batch_of_group[group] = batch
    for code in np.unique(batch):
        expression[batch_of_group == code] -= expression[batch_of_group == code].mean(axis=0)
    length = np.linalg.norm(expression, axis=0)
    unit = (expression / np.where(length > 1e-6, length, np.inf)).astype(np.float32)
    return unit.T @ unit


def coexpressed_pairs(correlation: np.ndarray, threshold: float) -> tuple[np.ndarray, dict]:
    """Return the gene pairs with a correlation of at least `threshold`.

    If there are fewer than `LEAST_PAIRS_PER_GENE` pairs per gene, each gene is instead paired with the `NEAREST_GENES`
    genes of highest positive correlation.

    Returns
    -------
    (n_pairs, 2) ascending gene indices, and a report: threshold, pairs, genes in a pair, lowest correlation, rule.
    """
    n_genes = len(correlation)
    upper = np.triu(correlation, k=1)
    pairs = np.argwhere(upper >= threshold)
    above, rule = len(pairs), f"r >= {threshold}"
    if above < LEAST_PAIRS_PER_GENE * n_genes:
        others = correlation - 2 * np.eye(n_genes, dtype=correlation.dtype)
        nearest = np.argsort(-others, axis=1, kind="stable")[:, :NEAREST_GENES]
        gene = np.repeat(np.arange(n_genes), nearest.shape[1])
        found = np.stack([gene, nearest.ravel()], axis=1)[others[gene, nearest.ravel()] > 0]
        pairs = np.unique(np.sort(found, axis=1), axis=0)
        rule = f"{NEAREST_GENES} nearest genes, because only {above} pairs have r >= {threshold}"
    lowest = float(upper[pairs[:, 0], pairs[:, 1]].min()) if len(pairs) else None
    report = {"threshold": threshold, "pairs_above_threshold": above, "rule": rule, "pairs": len(pairs)}
    return pairs, report | {"genes_in_pairs": len(np.unique(pairs)), "genes": n_genes, "lowest_r": lowest}


def write_pairs(path: str | Path, pairs: np.ndarray, genes: np.ndarray) -> None:
    """Write one tab-separated pair of gene names per line."""
    with atomic(path) as partial:
        partial.write_text("".join(f"{genes[a]}\t{genes[b]}\n" for a, b in pairs))


def read_pairs(path: str | Path) -> list[list[str]]:
    """Read pairs of gene names.

    Raises
    ------
    ContractError
        If a line is not a pair.
    """
    pairs = [line.split("\t") for line in Path(path).read_text().splitlines()]
    if any(len(pair) != 2 for pair in pairs):
        raise ContractError(f"{path}: a line is not two gene names with a tab between them")
    return pairs
