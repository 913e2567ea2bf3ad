"""Statistics of prepared datasets by which simulated data are compared with real data.

    .venv/bin/python benchmarks/simulation_statistics.py results/development results/simulated

The arguments are results folders; every dataset in them that has been prepared is one column.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import numpy as np
import pandas as pd
from anndata import AnnData
from sklearn.metrics import silhouette_score

from scbench.files import read_dataset, read_truth

LEAST_CELLS = 30  # of a type in a batch, for statistics within it
N_PCS = 20


def explained(pca: np.ndarray, groups: np.ndarray) -> float:
    """Return the share of the variance of `pca` between the means of groups."""
    table = pd.DataFrame(pca)
    return float(table.groupby(groups).transform("mean").to_numpy().var(axis=0).sum() / pca.var(axis=0).sum())


def noise_of_genes(counts: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and theta of each gene over cells of one type and batch, at the median library size."""
    scaled = counts * (np.median(sizes) / sizes)[:, None]
    mean, variance = scaled.mean(axis=0), scaled.var(axis=0, ddof=1)
    poisson = mean * (np.median(sizes) * (1 / sizes).mean())
    kept = mean > 0.1
    return mean[kept], mean[kept] ** 2 / np.maximum(variance - poisson, 1e-3 * mean**2)[kept]


def low_rank(expression: np.ndarray, random: np.random.Generator) -> float:
    """Return the share of variance in the first 5 components, above that with the values of each gene permuted."""
    scale = expression.std(axis=0)
    z = (expression - expression.mean(axis=0))[:, scale > 0] / scale[scale > 0]

    def first(values: np.ndarray) -> float:
        squared = np.linalg.svd(values, compute_uv=False) ** 2
        return float(squared[:5].sum() / squared.sum())

    return first(z) - first(random.permuted(z, axis=0))


def statistics(adata: AnnData, types: np.ndarray, batches: np.ndarray) -> dict[str, float]:
    """Return the statistics of one prepared dataset with the cell type and the batch of every cell."""
    counts, pca = adata.layers["counts"], adata.obsm["X_pca"][:, :N_PCS]
    sizes = adata.obs["total_counts"].to_numpy()
    random = np.random.default_rng(0)
    within_batch, means, thetas, ranks = [], [], [], []
    for batch in np.unique(batches):
        inside = batches == batch
        common = inside & pd.Series(types).isin(pd.Series(types[inside]).value_counts().loc[lambda n: n > 5].index)
        if len(np.unique(types[common])) > 1:
            within_batch.append(silhouette_score(pca[common], types[common]))
    for _, cells in pd.DataFrame({"t": types, "b": batches}).groupby(["t", "b"]).indices.items():
        if len(cells) >= LEAST_CELLS and len(ranks) < 40:
            mean, theta = noise_of_genes(counts[cells].toarray().astype(float), sizes[cells])
            means.append(mean)
            thetas.append(theta)
            ranks.append(low_rank(adata.X[cells[:300]].toarray(), random))
    mean, theta = np.log(np.concatenate(means)), np.log(np.concatenate(thetas))
    mix = pd.crosstab(batches, types, normalize="index").to_numpy()
    both = np.char.add(types.astype(str), batches.astype(str))
    log_sizes = pd.Series(np.log(sizes))
    depth = log_sizes.groupby(batches).median()
    by_type, by_batch, by_both = (explained(pca, groups) for groups in (types, batches, both))
    return {
        "cells": len(types),
        "genes": adata.n_vars,
        "batches": len(np.unique(batches)),
        "cell types": len(np.unique(types)),
        "zero fraction": 1 - counts.nnz / np.prod(counts.shape),
        "median counts": float(np.median(np.asarray(counts.sum(axis=1)))),
        "sd log library size, cells": float(log_sizes.groupby(both).std().median()),
        "sd log library size, batches": float(depth.std(ddof=0)),
        "median theta": float(np.exp(np.median(theta))),
        "slope of log theta on log mean": float(np.polyfit(mean, np.clip(theta, -4, 4), 1)[0]),
        "sd log theta (IQR / 1.35)": float(np.subtract(*np.percentile(theta, [75, 25])) / 1.35),
        "low rank within type": float(np.median(ranks)),
        "PCA variance: type": by_type,
        "PCA variance: batch": by_batch,
        "PCA variance: type and batch": by_both,
        "PCA variance: interaction": by_both - explained_additive(pca, types, batches),
        "silhouette of types in batches": float(np.mean(within_batch)),
        "composition shift": float(np.abs(mix - mix.mean(axis=0)).sum(axis=1).mean() / 2),
        "largest type": float(pd.Series(types).value_counts(normalize=True).max()),
        "smallest type": float(pd.Series(types).value_counts(normalize=True).min()),
    }


def explained_additive(pca: np.ndarray, types: np.ndarray, batches: np.ndarray) -> float:
    """Return the share of the variance that additive effects of types and batches explain."""
    design = pd.get_dummies(pd.DataFrame({"t": types, "b": batches}), dtype=float).to_numpy()
    centred = pca - pca.mean(axis=0)
    fitted = design @ np.linalg.lstsq(design, centred, rcond=None)[0]
    return float(fitted.var(axis=0).sum() / centred.var(axis=0).sum())


if __name__ == "__main__":
    columns = {}
    for path in [path for root in sys.argv[1:] for path in sorted(Path(root).glob("*/dataset.h5ad"))]:
        adata = read_dataset(path)
        truth = read_truth(path.with_name("truth.tsv.gz"), adata.obs_names)
        columns[path.parent.name] = statistics(adata, truth["cell_type"].to_numpy(), truth["batch"].to_numpy())
    print(pd.DataFrame(columns).map(lambda value: f"{value:.3g}").to_markdown())
