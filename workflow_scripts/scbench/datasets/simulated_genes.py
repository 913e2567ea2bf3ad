"""Simulated genes: names, co-expressed modules, and log effects of cell types, batches and continuous states."""

from __future__ import annotations

import numpy as np

from scbench.datasets.composition import names
from scbench.datasets.parameters import SimulationParameters
from scbench.gene_sets import PATHWAYS, read_gmt
from scbench.seeding import generator

N_PROGRAMS = 5
PROGRAM_FRACTION = 0.1  # of the genes, in each program
LOADING_SPREAD = 0.3  # sd of the effects of a module on its genes, relative to their mean
Gradient = tuple[
    np.ndarray, np.ndarray
]  # activities (n_cells, n_factors), log effects at activity 1 (n_factors, n_genes)


def modules(p: SimulationParameters) -> np.ndarray:
    """Return the module of every gene, (n_genes,), -1 for none; half of the genes are in modules of equal size."""
    module = np.full(p.n_genes, -1)
    if p.n_modules:
        size = p.n_genes // (2 * p.n_modules)
        genes = generator(p.seed, "modules").permutation(p.n_genes)[: size * p.n_modules]
        module[genes] = np.repeat(np.arange(p.n_modules), size)
    return module


def gene_names(module: np.ndarray) -> list[str]:
    """Return human gene symbols, those of one pathway for the genes of one module; `gene_0001`, … without modules.

    Genes in no module have symbols of the remaining pathway members. If there are not enough symbols, the names go on
    with `gene_0001`.
    """
    symbols = [f"gene_{i:04d}" for i in range(1, len(module) + 1)]
    if (module < 0).all():
        return symbols
    free, taken = [], set()
    for code, pathway in enumerate(read_gmt(PATHWAYS).values()):
        own = [gene for gene in pathway if gene not in taken]
        taken.update(own)
        of_module = np.flatnonzero(module == code)
        for gene, name in zip(of_module, own, strict=False):
            symbols[gene] = name
        free += own[len(of_module) :]
    for gene, name in zip(np.flatnonzero(module < 0), free, strict=False):
        symbols[gene] = name
    return symbols


def marker_effects(seed: int, groups: list[str], fraction: float, module: np.ndarray) -> np.ndarray:
    """Return standard normal log effects (n_groups, n_genes) of which all but those of the marker genes are 0.

    Where there are modules, markers are whole modules, whose genes have effects of one sign, and genes in no module.
    """
    n_genes, inside = len(module), module >= 0
    effects = gene_effects(seed, "type effect", groups, n_genes)
    for effect, name in zip(effects, groups, strict=True):
        random = generator(seed, "markers", name)
        order = random.permutation(n_genes)
        if inside.any():
            of_modules = random.integers(n_genes, size=module.max() + 1)
            order = np.where(inside, of_modules[module], random.integers(n_genes, size=n_genes)).argsort(kind="stable")
            sign = random.choice([-1.0, 1.0], size=len(of_modules))
            effect[inside] = np.abs(effect[inside]) * sign[module[inside]]
        effect[order[round(fraction * n_genes) :]] = 0
    return effects


def gene_effects(seed: int, stream: str, groups: list[str], n_genes: int) -> np.ndarray:
    return np.array([generator(seed, stream, name).normal(size=n_genes) for name in groups])


def batch_effects(p: SimulationParameters, batches: list[str], technology_of: np.ndarray) -> np.ndarray:
    """Return the log gene effects (n_batches, n_genes) of batches and technologies."""
    effects = p.batch_strength * gene_effects(p.seed, "batch effect", batches, p.n_genes)
    if p.n_technologies > 1:
        technologies = names("technology", p.n_technologies)
        shared = p.technology_strength * gene_effects(p.seed, "technology effect", technologies, p.n_genes)
        effects = effects + shared[technology_of]
    return effects


def programs(p: SimulationParameters) -> Gradient:
    """Return the gradient of the programs: standard normal activities in all cells, and effects of both signs."""
    effects = p.program_strength * marker_effects(
        p.seed, names("program", N_PROGRAMS), PROGRAM_FRACTION, np.full(p.n_genes, -1)
    )
    return generator(p.seed, "activities").normal(size=(p.n_cells, N_PROGRAMS)), effects


def module_activities(p: SimulationParameters, module: np.ndarray) -> Gradient:
    """Return the gradient of the modules: standard normal activities in all cells, and effects of one sign."""
    loading = 1 + LOADING_SPREAD * generator(p.seed, "loadings").normal(size=p.n_genes)
    effects = p.module_strength * loading * (module == np.arange(p.n_modules)[:, None])
    return generator(p.seed, "module activities").normal(size=(p.n_cells, p.n_modules)), effects


def along_path(p: SimulationParameters, place: np.ndarray, type_of: np.ndarray, type_effects: np.ndarray) -> Gradient:
    """Return the gradient of a path: one factor for each type but the first, its difference to the type before it.

    A cell at `place` above 0 goes this part of the way to a next type, below 0 to the type before. The first type is
    followed by one type of each branch, between which its cells are divided at random.
    """
    steps = type_effects[1:] - type_effects[np.maximum(np.arange(1, p.n_types) - p.n_branches, 0)]
    step = np.where(place < 0, type_of, type_of + p.n_branches)
    at_root = (place >= 0) & (type_of == 0)
    if p.n_branches > 1:
        step[at_root] = 1 + generator(p.seed, "branches").integers(p.n_branches, size=at_root.sum())
    inside = (step >= 1) & (step < p.n_types)
    activities = np.zeros((len(place), len(steps)))
    activities[np.flatnonzero(inside), step[inside] - 1] = place[inside]
    return activities, steps


def dispersions(p: SimulationParameters, base: np.ndarray) -> np.ndarray | float:
    """Return theta of every gene, (n_genes,), given the log mean of the genes; one number if it is the same for all."""
    if not p.dispersion_slope and not p.dispersion_spread:
        return p.dispersion
    of_genes = generator(p.seed, "dispersions").normal(size=p.n_genes)
    return p.dispersion * np.exp(p.dispersion_slope * (base - np.median(base)) + p.dispersion_spread * of_genes)
