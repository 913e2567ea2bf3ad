"""sysVI: a conditional variational autoencoder with a VampPrior and a cycle-consistency loss, in scvi-tools.

Source: Hrovatin et al. 2023, doi 10.1101/2023.11.03.565463. Settings: the tutorial of scvi-tools ("Integration of
scRNA-seq data with substantial batch effects using sysVI"): 200 epochs, cycle loss of weight 5, otherwise defaults.
Every batch is a system.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench import parameters as p
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(p.Parameters):
    """Parameters of sysVI, by their names in scvi-tools.

    Attributes
    ----------
    n_latent, n_layers, n_hidden
        Dimensions of the latent space; hidden layers of encoder and decoder, and the units of each.
    kl_weight, z_distance_cycle_weight
        Weights of the prior and of the distance between a cell and its image in another batch.
    epochs
        Passes over the cells; 10 % of the cells are held out, as in the tutorial.
    """

    n_latent: int = p.number(15, 1)
    n_layers: int = p.number(2, 1)
    n_hidden: int = p.number(256, 1)
    kl_weight: float = p.number(1.0, 0)
    z_distance_cycle_weight: float = p.number(5.0, 0)
    epochs: int = p.number(200, 1)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the posterior means, (n_cells, n_latent)."""
    from scbench.reference.annotated import annotated
    from scbench.reference.scvi_tools import latent, train

    options = Parameters.of(parameters)
    import scvi

    adata = annotated(data)
    scvi.settings.seed = seed
    scvi.external.SysVI.setup_anndata(adata, batch_key="batch")
    sizes = {"n_latent": options.n_latent, "n_layers": options.n_layers, "n_hidden": options.n_hidden}
    model = scvi.external.SysVI(adata, **sizes)
    weights = {"kl_weight": options.kl_weight, "z_distance_cycle_weight": options.z_distance_cycle_weight}
    train(model, epochs=options.epochs, device=device, plan_kwargs=weights)
    return Embedding(X=latent(model))
