"""scVI: a batch-conditioned variational autoencoder of the counts, as implemented in scvi-tools.

Source: Lopez et al. 2018, doi 10.1038/s41592-018-0229-2. Settings: scib.integration.scvi (Luecken et al. 2022, doi
10.1038/s41592-021-01336-8): two layers, 30 latent dimensions, negative binomial, trained on all cells.
"""

from scbench.reference.scvi_tools import ScviParameters as Parameters
from scbench.types import Dataset, Embedding


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the posterior means, (n_cells, n_latent)."""
    from scbench.reference.scvi_tools import latent, train_scvi

    options = Parameters.of(parameters)
    return Embedding(X=latent(train_scvi(data, options, seed=seed, device=device)))
