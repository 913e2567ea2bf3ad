"""Simulated counts with known batches and cell types.

Model: count ~ NB(mean = library size of the cell x share of the gene, theta), where the shares of a type in a batch are
the softmax over genes of base + type effect + technology effect + batch effect, on the log scale. Effects are additive,
as in Splatter (Zappia et al. 2017, 10.1186/s13059-017-1305-0): a batch shifts a gene equally in all cell types. For
more realistic data, batch effects on single types and gene programs that vary within types can be added.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from scbench.datasets.composition import composition_of, names
from scbench.datasets.parameters import SimulationParameters
from scbench.seeding import generator

GENE_SPREAD = 1.5  # sd of the log mean over genes: many genes with low and a few with high expression
CHUNK = 1000  # cells drawn at a time
N_PROGRAMS = 5
PROGRAM_FRACTION = 0.1  # of the genes, in each program


def simulate(**parameters: Any) -> anndata.AnnData:
    """Simulate counts of cell types in batches.

    Parameters
    ----------
    parameters
        See `SimulationParameters`.

    Returns
    -------
    AnnData with X CSR int32 (n_cells, n_genes), obs batch, cell_type and, if there are several, technology and subtype,
    and, on a path, pseudotime; uns simulation contains the parameters as JSON.

    Raises
    ------
    ValueError
        If names, fractions or sizes are impossible; the message names the key.
    """
    p = SimulationParameters.of(parameters)
    types, batches = names("type", p.n_types), names("batch", p.n_batches)
    technology_of = np.arange(p.n_batches) % p.n_technologies
    composition = composition_of(p)
    groups = generator(p.seed, "order").permutation(np.repeat(np.arange(composition.size), composition.ravel()))
    type_of, batch_of = np.divmod(groups, p.n_batches)

    type_effects = of_types = p.type_strength * _marker_effects(p.seed, types, p.n_genes, p.marker_fraction)
    subtypes, subtype_of = [f"{name}.{i}" for name in types for i in range(1, p.n_subtypes + 1)], type_of
    if p.n_subtypes > 1:
        within = p.subtype_strength * _marker_effects(p.seed, subtypes, p.n_genes, p.marker_fraction)
        type_effects = np.repeat(type_effects, p.n_subtypes, axis=0) + within
        subtype_of = type_of * p.n_subtypes + _states(p.seed, groups, composition.size, p.n_subtypes)
        groups = subtype_of * p.n_batches + batch_of
    shares = _shares(p.seed, type_effects, _batch_effects(p, batches, technology_of), p.interaction_strength)
    gradients = [_programs(p.seed, p.n_cells, p.n_genes, p.program_strength)] if p.program_strength else []
    place = generator(p.seed, "path").uniform(-0.5, 0.5, size=p.n_cells) if p.path else None
    if place is not None:
        gradients.append(_along_path(place, type_of, of_types))
    counts = _draw(p.seed, _library_sizes(p, batch_of), shares, groups, p.dispersion, gradients)

    obs = pd.DataFrame(index=pd.Index(names("cell", p.n_cells)))
    obs["batch"] = pd.Categorical.from_codes(batch_of, batches)
    if p.n_technologies > 1:
        obs["technology"] = pd.Categorical.from_codes(technology_of[batch_of], names("technology", p.n_technologies))
    obs["cell_type"] = pd.Categorical.from_codes(type_of, types)
    if p.n_subtypes > 1:
        obs["subtype"] = pd.Categorical.from_codes(subtype_of, subtypes)
    if place is not None:
        obs["pseudotime"] = (type_of + place + 0.5) / p.n_types
    var = pd.DataFrame(index=pd.Index([f"gene_{i:04d}" for i in range(1, p.n_genes + 1)]))
    return anndata.AnnData(X=counts, obs=obs, var=var, uns={"simulation": json.dumps(asdict(p))})


def _batch_effects(p: SimulationParameters, batches: list[str], technology_of: np.ndarray) -> np.ndarray:
    """Return the log gene effects (n_batches, n_genes) of batches and technologies."""
    effects = p.batch_strength * _gene_effects(p.seed, "batch effect", batches, p.n_genes)
    if p.n_technologies > 1:
        technologies = names("technology", p.n_technologies)
        shared = p.technology_strength * _gene_effects(p.seed, "technology effect", technologies, p.n_genes)
        effects = effects + shared[technology_of]
    return effects


def _library_sizes(p: SimulationParameters, batch_of: np.ndarray) -> np.ndarray:
    """Return the expected total counts of every cell, (n_cells,)."""
    of_batches = _centred(generator(p.seed, "batch library sizes").normal(size=p.n_batches))
    of_cells = generator(p.seed, "library sizes").normal(size=p.n_cells)
    log_sizes = p.batch_library_size_spread * of_batches
    return p.library_size * np.exp(log_sizes[batch_of] + p.library_size_spread * of_cells)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean()


def _gene_effects(seed: int, stream: str, names: list[str], n_genes: int) -> np.ndarray:
    return np.array([generator(seed, stream, name).normal(size=n_genes) for name in names])


def _marker_effects(seed: int, types: list[str], n_genes: int, marker_fraction: float) -> np.ndarray:
    effects = _gene_effects(seed, "type effect", types, n_genes)
    for effect, name in zip(effects, types, strict=True):
        effect[generator(seed, "markers", name).permutation(n_genes)[round(marker_fraction * n_genes) :]] = 0
    return effects


def _shares(seed: int, type_effects: np.ndarray, batch_effects: np.ndarray, interaction: float) -> np.ndarray:
    """Return the shares of the genes (n_types x n_batches, n_genes) for every type in every batch."""
    base = GENE_SPREAD * generator(seed, "gene means").normal(size=type_effects.shape[1])
    effects = base + type_effects[:, None] + batch_effects[None]
    if interaction:
        effects = effects + interaction * generator(seed, "interactions").normal(size=effects.shape)
    shares = np.exp(effects).reshape(-1, type_effects.shape[1])
    return shares / shares.sum(axis=1, keepdims=True)


def _programs(seed: int, n_cells: int, n_genes: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the activities (n_cells, 5) and the log effects at activity 1, (5, n_genes)."""
    programs = names("program", N_PROGRAMS)
    effects = strength * _marker_effects(seed, programs, n_genes, PROGRAM_FRACTION)
    return generator(seed, "activities").normal(size=(n_cells, N_PROGRAMS)), effects


def _along_path(place: np.ndarray, type_of: np.ndarray, type_effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return activities (n_cells, n_types - 1) and effects, the differences of each type and the next.

    A cell at `place` above 0 goes this part of the way to the next type, below 0 to the type before.
    """
    steps = np.diff(type_effects, axis=0)
    step = type_of - (place < 0)
    inside = (step >= 0) & (step < len(steps))
    activities = np.zeros((len(place), len(steps)))
    activities[np.flatnonzero(inside), step[inside]] = place[inside]
    return activities, steps


def _states(seed: int, groups: np.ndarray, n_groups: int, n_subtypes: int) -> np.ndarray:
    """Return the subtype of each cell within its type, (n_cells,), with proportions drawn per group (type in batch)."""
    random = generator(seed, "subtypes")
    shares = random.dirichlet(np.full(n_subtypes, 4.0), size=n_groups).cumsum(axis=1)
    return (random.random(len(groups))[:, None] > shares[groups, :-1]).sum(axis=1)


def _draw(
    seed: int,
    size: np.ndarray,
    shares: np.ndarray,
    groups: np.ndarray,
    theta: float,
    gradients: list[tuple[np.ndarray, np.ndarray]],
) -> sparse.csr_matrix:
    """Draw gamma-Poisson counts from two random streams, so that the result does not depend on the chunk size."""
    rates, counts = generator(seed, "rates"), generator(seed, "counts")
    blocks = []
    for start in range(0, len(size), CHUNK):
        rows = slice(start, start + CHUNK)
        share = shares[groups[rows]]
        for activities, effects in gradients:
            share = share * np.exp(activities[rows] @ effects)
            share /= share.sum(axis=1, keepdims=True)
        mean = size[rows, None] * share
        drawn = counts.poisson(rates.standard_gamma(theta, size=mean.shape) * (mean / theta))
        blocks.append(sparse.csr_matrix(drawn.astype(np.int32)))
    return sparse.vstack(blocks, format="csr")
