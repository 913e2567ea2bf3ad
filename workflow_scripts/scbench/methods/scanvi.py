"""scANVI: scVI whose latent space also predicts the cell types, as implemented in scvi-tools; it receives all of them.

Source: Xu et al. 2021, doi 10.15252/msb.20209620. Settings: scib.integration.scanvi (Luecken et al. 2022, doi
10.1038/s41592-021-01336-8): scVI first, then 2 to 10 epochs with the cell types.
"""

from scbench.reference.scvi_tools import ScviParameters as Parameters
from scbench.types import Dataset, Embedding

NO_CELL_TYPE = "UnknownUnknown"  # scvi-tools asks for a name of cells without a cell type; there are none


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the posterior means, (n_cells, n_latent); `epochs`, if given, counts for both trainings, as in scIB."""
    from scbench.reference.scvi_tools import latent, train, train_scvi

    options = Parameters.of(parameters)
    import scvi

    pretrained = train_scvi(data, options, seed=seed, device=device)
    epochs = options.epochs or min(10, max(2, round(min(400, round(20_000 / data.n_cells * 400)) / 3)))
    model = scvi.model.SCANVI.from_scvi_model(pretrained, labels_key="cell_type", unlabeled_category=NO_CELL_TYPE)
    train(model, epochs=epochs, device=device, train_size=1.0)
    return Embedding(X=latent(model))
