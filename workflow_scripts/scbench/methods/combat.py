"""ComBat: shift and scale every gene per batch with parameters shrunk by empirical Bayes, followed by PCA.

Source: Johnson et al. 2007, doi 10.1093/biostatistics/kxj037, as implemented in scanpy. Settings:
scib.integration.combat (Luecken et al. 2022, doi 10.1038/s41592-021-01336-8): log-normalised HVG, no covariates, then
the PCA of the other methods (unscaled, as many components).
"""

from scbench.types import Dataset, Embedding


def integrate(data: Dataset, *, seed: int, device: str, threads: int) -> Embedding:
    """Return the principal components of the corrected expression, (n_cells, n_pcs); with one batch, those of the data.

    Raises
    ------
    ValueError
        If a batch has a single cell, which has no variance.
    """
    import numpy as np
    import scanpy as sc

    from scbench.reference.annotated import annotated

    sizes = np.bincount(data.batch, minlength=len(data.batch_names))
    if len(sizes) == 1:
        return Embedding(X=data.pca.copy())
    if sizes.min() < 2:
        raise ValueError(f"ComBat needs two cells per batch; {data.batch_names[sizes.argmin()]} has {sizes.min()}")
    adata = annotated(data)
    adata.X = adata.X.toarray()
    sc.pp.combat(adata, key="batch")
    sc.pp.pca(adata, n_comps=data.pca.shape[1], svd_solver="arpack", random_state=0)
    return Embedding(X=np.ascontiguousarray(adata.obsm["X_pca"], dtype=np.float32))
