"""Gene Transformer, plain: masked reconstruction alone, and the mean of the outputs over genes as the embedding.

Nothing is done about batches. Source: Yang et al. 2022, doi 10.1038/s42256-022-00534-z; see docs/gene_transformer.md.
"""

from scbench.transformer.pretraining import Pretraining, fit
from scbench.types import Dataset, Embedding


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
    max_steps: int = 1500,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    held_out: float = 0.0,
    patience: int = 30,
) -> Embedding:
    """Train on all cells and return the pooled outputs, (n_cells, width); parameters as in `gene_transformer`."""
    architecture = {
        "attention": attention,
        "width": width,
        "n_latents": n_latents,
        "n_heads": n_heads,
        "depth": depth,
        "dropout": dropout,
        "position": position,
        "mask": mask,
    }
    return fit(
        data,
        Pretraining,
        seed=seed,
        device=device,
        n_genes=n_genes,
        architecture=architecture,
        weights=lambda progress: {"masked": 1.0},
        epochs=epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        held_out=held_out,
        patience=patience,
    )
