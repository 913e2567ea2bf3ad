"""Gene Transformer, plain: trained on masked reconstruction only; the embedding is the mean output over genes.

It does not correct batch effects. Source: Yang et al. 2022, doi 10.1038/s42256-022-00534-z; see
docs/explanation/methods/gene_transformer.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench.parameters import number
from scbench.transformer.parameters import TrunkParameters
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(TrunkParameters):
    """Parameters of the method; see `TrunkParameters`."""

    max_steps: int = number(1500, 1)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Train on all cells and return the pooled outputs, (n_cells, width)."""
    from scbench.transformer.pretraining import Pretraining
    from scbench.transformer.training import fit

    terms = {"masked": (1.0, 0.0, 0.0)}
    return fit(data, Pretraining, Parameters.of(parameters), terms=terms, seed=seed, device=device)
