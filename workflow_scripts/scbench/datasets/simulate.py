"""Simulated counts with known batches and cell types.

Model: count ~ NB(mean = library size of the cell x share of the gene, theta), where the shares of a type in a batch are
the softmax over genes of base + type effect + technology effect + batch effect, on the log scale. Effects add up, as in
Splatter (Zappia et al. 2017, 10.1186/s13059-017-1305-0): a batch shifts a gene alike in all cell types. What real data
have beyond that can be added: effects of a batch on one type, and programs that vary from cell to cell within types.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from scbench.seeding import generator

GENE_SPREAD = 1.5  # sd of the log mean over genes: many low genes, a few high ones
RARE_MINIMUM = 10  # cells; fewer cannot be scored
CHUNK = 1000  # cells drawn at a time
N_PROGRAMS = 5
PROGRAM_FRACTION = 0.1  # of the genes, in each program


def simulate(
    *,
    n_cells: int,
    n_genes: int = 1000,
    n_types: int = 5,
    n_batches: int = 2,
    n_technologies: int = 1,
    type_strength: float = 0.85,
    marker_fraction: float = 0.15,
    batch_strength: float = 0.3,
    technology_strength: float = 0.3,
    interaction_strength: float = 0.0,
    program_strength: float = 0.0,
    n_subtypes: int = 1,
    subtype_strength: float = 0.4,
    library_size: float = 2000.0,
    library_size_spread: float = 0.3,
    batch_library_size_spread: float = 0.2,
    dispersion: float = 2.0,
    abundance_spread: float = 0.0,
    rare_types: Mapping[str, float] | None = None,
    missing_types: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> anndata.AnnData:
    """Draw counts of cell types in batches, which are dealt to technologies in turn.

    Parameters
    ----------
    n_cells
        Batches have the same size; within a batch, the types that are not rare share its cells equally, or as
        `abundance_spread` says.
    type_strength, marker_fraction
        sd of the log fold change of a type's marker genes; which share of the genes marks a type.
    batch_strength, technology_strength
        sd of the log gene effect; a strength of 0 removes exactly this effect and leaves the others as they were.
        A single technology has no effect.
    interaction_strength
        sd of the log gene effect that a batch has on one type.
    program_strength
        sd of the log fold change of the genes of a program at an activity of 1. There are 5 programs of a tenth of the
        genes; the activity of every program in every cell is standard normal.
    n_subtypes, subtype_strength
        States within every type that the cell types do not name (obs subtype), each in a share of its own in every
        batch; sd of the log fold change of their marker genes, `marker_fraction` of all.
    library_size, library_size_spread, batch_library_size_spread
        Median counts per cell; sd of the log over cells of a batch; sd of the log over batches.
    dispersion
        theta: variance = mean + mean^2 / theta.
    abundance_spread
        sd of the log abundance of the types that are not rare; a third of it is the sd by which a batch differs.
    rare_types
        {type: fraction of all cells}, rounded to whole cells, but at least 10 where `n_cells` permits.
    missing_types
        {batch: types that it does not hold}.

    Returns
    -------
    X CSR int32 (n_cells, n_genes), obs batch, cell_type and, where there are several, technology and subtype; uns
    simulation, the parameters as JSON. Same seed and parameters: same bits.

    Raises
    ------
    ValueError
        For names, fractions and sizes that cannot be met; the message names the key.
    """
    parameters = dict(locals())
    if n_technologies > n_batches:
        raise ValueError(f"simulate.n_technologies: there are only {n_batches} batches; raise n_batches")
    types, batches = _names("type", n_types), _names("batch", n_batches)
    technologies = _names("technology", n_technologies)
    technology_of = np.arange(n_batches) % n_technologies
    abundance = _abundance(seed, types, batches, abundance_spread)
    composition = _composition(n_cells, types, batches, rare_types or {}, missing_types or {}, abundance)
    groups = generator(seed, "order").permutation(np.repeat(np.arange(composition.size), composition.ravel()))
    type_of, batch_of = np.divmod(groups, n_batches)

    type_effects = type_strength * _marker_effects(seed, types, n_genes, marker_fraction)
    subtypes, subtype_of = [f"{name}.{i}" for name in types for i in range(1, n_subtypes + 1)], type_of
    if n_subtypes > 1:
        within = subtype_strength * _marker_effects(seed, subtypes, n_genes, marker_fraction)
        type_effects = np.repeat(type_effects, n_subtypes, axis=0) + within
        subtype_of = type_of * n_subtypes + _states(seed, groups, composition.size, n_subtypes)
        groups = subtype_of * n_batches + batch_of
    batch_effects = batch_strength * _gene_effects(seed, "batch effect", batches, n_genes)
    if n_technologies > 1:
        effects = technology_strength * _gene_effects(seed, "technology effect", technologies, n_genes)
        batch_effects = batch_effects + effects[technology_of]
    log_sizes = batch_library_size_spread * _centred(generator(seed, "batch library sizes").normal(size=n_batches))
    log_sizes = log_sizes[batch_of] + library_size_spread * generator(seed, "library sizes").normal(size=n_cells)
    shares = _shares(seed, type_effects, batch_effects, interaction_strength)
    programs = _programs(seed, n_cells, n_genes, program_strength) if program_strength else None
    counts = _draw(seed, library_size * np.exp(log_sizes), shares, groups, dispersion, programs)

    obs = pd.DataFrame(index=pd.Index(_names("cell", n_cells)))
    obs["batch"] = pd.Categorical.from_codes(batch_of, batches)
    if n_technologies > 1:
        obs["technology"] = pd.Categorical.from_codes(technology_of[batch_of], technologies)
    obs["cell_type"] = pd.Categorical.from_codes(type_of, types)
    if n_subtypes > 1:
        obs["subtype"] = pd.Categorical.from_codes(subtype_of, subtypes)
    var = pd.DataFrame(index=pd.Index([f"gene_{i:04d}" for i in range(1, n_genes + 1)]))
    return anndata.AnnData(X=counts, obs=obs, var=var, uns={"simulation": json.dumps(parameters)})


def _names(kind: str, n: int) -> list[str]:
    return [f"{kind}_{i}" for i in range(1, n + 1)]


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
    """Return the shares of the genes (n_types x n_batches, n_genes): every type in every batch."""
    base = GENE_SPREAD * generator(seed, "gene means").normal(size=type_effects.shape[1])
    effects = base + type_effects[:, None] + batch_effects[None]
    if interaction:
        effects = effects + interaction * generator(seed, "interactions").normal(size=effects.shape)
    shares = np.exp(effects).reshape(-1, len(base))
    return shares / shares.sum(axis=1, keepdims=True)


def _programs(seed: int, n_cells: int, n_genes: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the activities (n_cells, 5) and the log effects at an activity of 1, (5, n_genes)."""
    names = _names("program", N_PROGRAMS)
    effects = strength * _marker_effects(seed, names, n_genes, PROGRAM_FRACTION)
    return generator(seed, "activities").normal(size=(n_cells, N_PROGRAMS)), effects


def _states(seed: int, groups: np.ndarray, n_groups: int, n_subtypes: int) -> np.ndarray:
    """Return the subtype of each cell within its type, (n_cells,): shares drawn for every group, type in batch."""
    random = generator(seed, "subtypes")
    shares = random.dirichlet(np.full(n_subtypes, 4.0), size=n_groups).cumsum(axis=1)
    return (random.random(len(groups))[:, None] > shares[groups, :-1]).sum(axis=1)


def _draw(
    seed: int,
    size: np.ndarray,
    shares: np.ndarray,
    groups: np.ndarray,
    theta: float,
    programs: tuple[np.ndarray, np.ndarray] | None,
) -> sparse.csr_matrix:
    """Draw gamma-Poisson counts; two streams, so that the size of a chunk does not matter."""
    rates, counts = generator(seed, "rates"), generator(seed, "counts")
    blocks = []
    for start in range(0, len(size), CHUNK):
        rows = slice(start, start + CHUNK)
        share = shares[groups[rows]]
        if programs is not None:
            share = share * np.exp(programs[0][rows] @ programs[1])
            share /= share.sum(axis=1, keepdims=True)
        mean = size[rows, None] * share
        drawn = counts.poisson(rates.standard_gamma(theta, size=mean.shape) * (mean / theta))
        blocks.append(sparse.csr_matrix(drawn.astype(np.int32)))
    return sparse.vstack(blocks, format="csr")


# ---- which types in which batch, and how many cells


def _abundance(seed: int, types: list[str], batches: list[str], spread: float) -> np.ndarray:
    """Return the relative abundances (n_types, n_batches)."""
    everywhere = generator(seed, "abundances").normal(size=(len(types), 1))
    return np.exp(
        spread * (everywhere + generator(seed, "abundances in batches").normal(size=(len(types), len(batches))) / 3)
    )


def _composition(n_cells, types, batches, rare, missing, abundance) -> np.ndarray:
    """Return the number of cells (n_types, n_batches)."""
    present = _presence(types, batches, missing)
    is_rare = np.isin(types, list(rare))
    _check_known("rare_types", rare, types)
    if sum(rare.values()) >= 1:
        raise ValueError("simulate.rare_types: the fractions add up to 1 or more; leave cells for the other types")
    counts = np.zeros(present.shape, dtype=int)
    for name, fraction in rare.items():
        row = types.index(name)
        wanted = max(round(fraction * n_cells), min(RARE_MINIMUM, n_cells // len(types)))
        counts[row, present[row]] = _split(wanted, present[row].sum())
    for column, size in enumerate(_split(n_cells, len(batches))):
        common = present[:, column] & ~is_rare
        left = size - counts[:, column].sum()
        if not common.any():
            keys = "simulate.rare_types, simulate.missing_types"
            raise ValueError(f"{keys}: {batches[column]} has no type that is not rare; leave it at least one")
        if left < common.sum():
            needed = f"{counts[:, column].sum()} cells of rare types and {common.sum()} other types"
            raise ValueError(f"simulate.n_cells: {size} cells in {batches[column]} do not hold {needed}; raise n_cells")
        counts[common, column] = _share_out(left, abundance[common, column])
    return counts


def _presence(types, batches, missing) -> np.ndarray:
    _check_known("missing_types", missing, batches)
    present = np.ones((len(types), len(batches)), dtype=bool)
    for batch, absent in missing.items():
        _check_known(f"missing_types.{batch}", absent, types)
        present[[types.index(name) for name in absent], batches.index(batch)] = False
    for name, somewhere in zip(types, present.any(axis=1), strict=True):
        if not somewhere:
            raise ValueError(f"simulate.missing_types: {name} is missing from every batch; leave it in one")
    return present


def _check_known(key: str, names, known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"simulate.{key}: '{name}' does not exist; known: {', '.join(known)}")


def _split(total: int, parts: int) -> np.ndarray:
    """Split into whole parts that differ by one at most."""
    return total // parts + (np.arange(parts) < total % parts)


def _share_out(total: int, weights: np.ndarray) -> np.ndarray:
    """Share out whole units by weight, at least one to each; equal weights: parts that differ by one at most."""
    if np.ptp(weights) == 0:
        return _split(total, len(weights))
    exact = (total - len(weights)) * weights / weights.sum()
    parts = np.floor(exact).astype(int)
    parts[np.argsort(parts - exact, kind="stable")[: total - len(weights) - parts.sum()]] += 1
    return parts + 1
