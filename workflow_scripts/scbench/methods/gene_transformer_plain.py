"""Gene Transformer, plain: masked reconstruction alone, and the mean of the outputs over genes as the embedding.

Nothing is done about batches. Source: Yang et al. 2022, doi 10.1038/s42256-022-00534-z; see docs/gene_transformer.md.
"""

from scbench.autoencoders.cells import Cells
from scbench.autoencoders.training import apply, automatic_epochs, train
from scbench.contracts import Dataset, Embedding
from scbench.seeding import seed_torch
from scbench.transformer.pretraining import Pretraining, choose_genes, position_vectors


def integrate(
    data: Dataset,
    *,
    seed: int,
    device: str,
    threads: int,
    n_genes: int = 512,
    width: int = 64,
    attention: str = "latent",
    n_latents: int = 8,
    n_heads: int = 4,
    depth: int = 1,
    dropout: float = 0.1,
    position: str = "vectors",
    mask: float = 0.15,
    epochs: int | None = None,
    max_steps: int = 2500,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    held_out: float = 0.0,
    patience: int = 30,
) -> Embedding:
    """Train on all cells and return the pooled outputs, (n_cells, width); parameters as in `gene_transformer`."""
    seed_torch(seed)
    columns = choose_genes(data, n_genes)
    vectors = position_vectors(data, columns, width) if position == "vectors" else None
    architecture = {
        "columns": columns.tolist(),
        "attention": attention,
        "width": width,
        "n_latents": n_latents,
        "n_heads": n_heads,
        "depth": depth,
        "dropout": dropout,
        "position": position,
        "mask": mask,
    }
    model = Pretraining(**architecture)
    model.start_at(data.X)
    if vectors is not None:
        model.trunk.give(vectors)
    model.to(device)
    cells = Cells(device, {"counts": data.X, "batch": data.batch})
    history = train(
        model,
        cells,
        weights=lambda progress: {"masked": 1.0},
        epochs=epochs or automatic_epochs(data.n_cells, batch_size, max_steps),
        batch_size=batch_size,
        learning_rate=learning_rate,
        cosine_from=0.5,
        seed=seed,
        checkpoint=data.checkpoint,
        held_out=held_out,
        patience=patience,
    )
    model.eval()
    state = {"architecture": architecture, "genes": data.gene_names[columns].tolist(), "weights": model.state_dict()}
    return Embedding(X=apply(model.pooled, cells, chunk=128), history=history, model=state)
