"""Gene Transformer: attention over the genes of a cell, and a cell token that a batch-conditioned decoder decodes.

Gene vectors from co-expression and prior knowledge identify the genes. Sources: Yang et al. 2022,
doi 10.1038/s42256-022-00534-z (masked training, gene vectors as positions); Du et al. 2019,
doi 10.1186/s12864-018-5370-x (gene2vec); Lopez et al. 2018, doi 10.1038/s41592-018-0229-2 (batch-conditioned decoder).
docs/explanation/methods/gene_transformer.md explains the differences from these sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench.neural.automatic import by_cells
from scbench.neural.schedules import WARM_UP
from scbench.parameters import choice, number
from scbench.transformer.parameters import IntegrationParameters
from scbench.types import Dataset, Embedding

# A lower beta leaves more variation within a type in the latent; without any, large types are split into clusters.
# With few cells a mixture prior helps to separate cell types; with many it also splits the states of a single type.
FEW = {"prior": "mog", "beta": 0.5, "max_steps": 1500}
MANY = {"prior": "normal", "beta": 0.25, "max_steps": 5000}


@dataclass(frozen=True, kw_only=True)
class Parameters(IntegrationParameters):
    """Parameters of the method; see `IntegrationParameters`.

    `prior`, `beta` and `max_steps` depend on the number of cells if they are None.
    """

    prior: str | None = choice(None, "normal", "mog")
    beta: float | None = number(None, 0)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Train on all cells and return the latent means, (n_cells, latent_dim).

    With a pretrained trunk, see `adaptation` of `IntegrationParameters`.
    """
    from scbench.graphs.shared_clusters import shared_clusters
    from scbench.transformer.pretraining import Integration
    from scbench.transformer.training import fit, zero_shot

    options = by_cells(Parameters.of(parameters), data.n_cells, few=FEW, many=MANY)
    assert options.beta is not None
    if data.pretrained is not None and options.adaptation == "zero_shot":
        return zero_shot(data, options, device=device)
    terms = {
        "reconstruction": (1.0, 0.0, 0.0),
        "kl": (options.beta, *WARM_UP),
        "masked": (options.masked_weight, 0.0, 0.0),
        "mmd": (options.mmd, *WARM_UP),
        "flatness": (options.flatness, *WARM_UP),
    }
    cluster = shared_clusters(data.pca, data.batch, seed=seed) if options.mmd or options.flatness else None
    return fit(
        data,
        Integration,
        options,
        terms=terms,
        seed=seed,
        device=device,
        frozen=options.adaptation == "frozen",
        cluster=cluster,
        n_counts=data.X.shape[1],
        n_batches=len(data.batch_names),
        n_clusters=1 if cluster is None else int(cluster.max()) + 1,
    )
