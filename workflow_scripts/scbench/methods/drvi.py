"""DRVI: a variational autoencoder whose decoder adds the contributions of single latent dimensions, in drvi-py.

Source: Moinfar and Theis 2024, doi 10.1101/2024.11.06.622266. Settings: the authors' tutorial "General training and
interpretability pipeline" (128 latent dimensions, layers of 128 and 128 units, warm-up of the KL term over all epochs),
with the 100 epochs of Open Problems (task_batch_integration) instead of 400. Every dimension is decoded by itself, so
that an epoch takes many times as long as one of scVI.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench import parameters as p
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(p.Parameters):
    """Parameters of DRVI, by their names in drvi-py.

    Attributes
    ----------
    n_latent
        Dimensions of the latent space.
    encoder_dims, decoder_dims
        Units of each hidden layer.
    epochs
        Passes over the cells; 10 % of the cells are held out, as in the tutorial.
    """

    n_latent: int = p.number(128, 1)
    encoder_dims: tuple[int, ...] = p.numbers((128, 128), 1)
    decoder_dims: tuple[int, ...] = p.numbers((128, 128), 1)
    epochs: int = p.number(100, 1)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the posterior means, (n_cells, n_latent)."""
    from scbench.reference.annotated import annotated
    from scbench.reference.scvi_tools import latent, train

    options = Parameters.of(parameters)
    import scvi
    from drvi.model import DRVI

    adata = annotated(data)
    DRVI.setup_anndata(adata, batch_key="batch", is_count_data=True)
    scvi.settings.seed = seed
    sizes = {"encoder_dims": list(options.encoder_dims), "decoder_dims": list(options.decoder_dims)}
    model = DRVI(adata, n_latent=options.n_latent, **sizes)
    warmup = {"n_epochs_kl_warmup": options.epochs}
    train(model, epochs=options.epochs, device=device, early_stopping=False, plan_kwargs=warmup)
    return Embedding(X=latent(model))
