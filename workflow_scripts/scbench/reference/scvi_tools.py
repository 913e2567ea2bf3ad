"""Train models of scvi-tools, and of packages built on it, on the data that a method receives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scbench import parameters as p
from scbench.neural.progress import Progress
from scbench.reference.annotated import annotated

if TYPE_CHECKING:
    import numpy as np

    from scbench.types import Dataset

TERMS = ("elbo_train", "train_loss_epoch", "reconstruction_loss_train", "kl_local_train")  # shown if a model has them


@dataclass(frozen=True, kw_only=True)
class ScviParameters(p.Parameters):
    """Parameters of scVI, by their names in scvi-tools; the defaults are those of scIB.

    Attributes
    ----------
    n_latent, n_layers, n_hidden
        Dimensions of the latent space; hidden layers of encoder and decoder, and the units of each.
    epochs
        None: 400 up to 20,000 cells and fewer above, as in scvi-tools.
    """

    n_latent: int = p.number(30, 1)
    n_layers: int = p.number(2, 1)
    n_hidden: int = p.number(128, 1)
    epochs: int | None = p.number(None, 1)


def train_scvi(data: Dataset, options: ScviParameters, *, seed: int, device: str) -> Any:
    """Train scVI with a negative binomial likelihood on all cells, as scib.integration.scvi does; return the model."""
    import scvi

    adata = annotated(data)
    scvi.settings.seed = seed
    scvi.model.SCVI.setup_anndata(adata, batch_key="batch")
    sizes = {"n_latent": options.n_latent, "n_layers": options.n_layers, "n_hidden": options.n_hidden}
    model = scvi.model.SCVI(adata, gene_likelihood="nb", **sizes)
    train(model, epochs=options.epochs, device=device, train_size=1.0)
    return model


def train(model: Any, *, epochs: int | None, device: str, **options: Any) -> None:
    """Train a model of scvi-tools and report its progress.

    Parameters
    ----------
    epochs
        None: as many as scvi-tools chooses.
    options
        Further arguments of the method `train` of the model.
    """
    import logging

    from lightning.pytorch.callbacks import Callback

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)

    class Reporter(Callback):
        def on_train_start(self, trainer, module) -> None:
            self.progress = Progress(trainer.max_epochs, 0)
            self.report = self.progress.__enter__()

        def on_train_epoch_end(self, trainer, module) -> None:
            found = trainer.callback_metrics
            self.report(trainer.current_epoch, {name: float(found[name]) for name in TERMS if name in found})

        def on_train_end(self, trainer, module) -> None:
            self.progress.__exit__()

    where = {"accelerator": "gpu" if device == "cuda" else "cpu", "devices": 1}
    model.train(max_epochs=epochs, enable_progress_bar=False, callbacks=[Reporter()], **where, **options)


def latent(model: Any) -> np.ndarray:
    """Return the posterior means of all cells, (n_cells, n_latent) float32."""
    import numpy as np

    return np.ascontiguousarray(model.get_latent_representation(), dtype=np.float32)
