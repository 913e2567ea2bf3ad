"""Gene Transformer: attention over the genes of a cell, and a cell token that is decoded under the batch of the cell.

Genes are told apart by vectors of their co-expression and of what is known of them. Sources: Yang et al. 2022,
doi 10.1038/s42256-022-00534-z (masked training, gene vectors as positions); Du et al. 2019,
doi 10.1186/s12864-018-5370-x (gene2vec); Lopez et al. 2018, doi 10.1038/s41592-018-0229-2 (batch-conditioned decoder).
docs/gene_transformer.md says what differs and why.
"""

from functools import partial

from scbench.neural.automatic import SMALL
from scbench.neural.schedules import weights_at
from scbench.transformer.pretraining import Integration, fit
from scbench.types import Dataset, Embedding

FOR_FEW_CELLS = {"beta": 1.0, "max_steps": 1500}
FOR_MANY_CELLS = {"beta": 0.25, "max_steps": 5000}


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
    masked_weight: float = 0.5,
    latent_dim: int = 32,
    hidden: list = (128, 128),
    beta: float | None = None,
    epochs: int | None = None,
    max_steps: int | None = None,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    held_out: float = 0.0,
    patience: int = 30,
) -> Embedding:
    """Train on all cells and return the means of the cells' latents, (n_cells, latent_dim).

    With many cells, more than 4,000, the latent is given room for what differs within a type, so that types do not fall
    apart. What `beta` and `max_steps` are if not given stands in FOR_FEW_CELLS and FOR_MANY_CELLS.

    Parameters
    ----------
    n_genes
        The trunk attends to the most variable ones; the decoder shows all.
    width, attention, n_latents, n_heads, depth, dropout, mask
        Of the trunk; attention: latent | full. See `Trunk` and `Pretraining`.
    position
        vectors: the gene vectors of the data set, random ones where it has none; random; none.
    masked_weight
        Of the error of masked reconstruction, in units of a gene's variance, a mean over masked genes.
    beta
        Final weight of the divergence: 0 in the first tenth of training, then rising linearly until its half.
    epochs, max_steps
        None: as many epochs as make about `max_steps` steps, at most 400 and at least 20.
    held_out, patience
        Share of the cells kept for early stopping; 0: none, train on all.
    """
    default = FOR_FEW_CELLS if data.n_cells <= SMALL else FOR_MANY_CELLS
    beta = default["beta"] if beta is None else beta
    architecture = {
        "n_counts": data.X.shape[1],
        "n_batches": len(data.batch_names),
        "attention": attention,
        "width": width,
        "n_latents": n_latents,
        "n_heads": n_heads,
        "depth": depth,
        "dropout": dropout,
        "position": position,
        "mask": mask,
        "latent_dim": latent_dim,
        "hidden": list(hidden),
    }

    terms = {"reconstruction": (1.0, 0.0, 0.0), "kl": (beta, 0.1, 0.5), "masked": (masked_weight, 0.0, 0.0)}
    return fit(
        data,
        Integration,
        seed=seed,
        device=device,
        n_genes=n_genes,
        architecture=architecture,
        weights=partial(weights_at, terms),
        epochs=epochs,
        max_steps=max_steps or default["max_steps"],
        batch_size=batch_size,
        learning_rate=learning_rate,
        held_out=held_out,
        patience=patience,
    )
