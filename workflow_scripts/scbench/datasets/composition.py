"""Which cell types a simulated batch has, and how many cells of each."""

from __future__ import annotations

import numpy as np

from scbench.datasets.parameters import SimulationParameters
from scbench.parameters import ParameterError
from scbench.seeding import generator

RARE_MINIMUM = 10  # cells; smaller types cannot be scored


def composition_of(p: SimulationParameters) -> np.ndarray:
    """Return the number of cells (n_types, n_batches).

    Raises
    ------
    ParameterError
        If names, fractions or sizes are impossible; the message starts with the key.
    """
    if p.n_technologies > p.n_batches:
        raise ParameterError(f"n_technologies: there are only {p.n_batches} batches; raise n_batches")
    types, batches = names("type", p.n_types), names("batch", p.n_batches)
    return _composition(p.n_cells, types, batches, p.rare_types or {}, p.missing_types or {}, _abundance(p))


def names(kind: str, n: int) -> list[str]:
    """Return kind_1 to kind_n."""
    return [f"{kind}_{i}" for i in range(1, n + 1)]


def states(seed: int, groups: np.ndarray, n_groups: int, n_subtypes: int) -> np.ndarray:
    """Return the subtype of each cell within its type, (n_cells,), with proportions drawn per group (type in batch)."""
    random = generator(seed, "subtypes")
    shares = random.dirichlet(np.full(n_subtypes, 4.0), size=n_groups).cumsum(axis=1)
    return (random.random(len(groups))[:, None] > shares[groups, :-1]).sum(axis=1)


def _abundance(p: SimulationParameters) -> np.ndarray:
    """Return the relative abundances (n_types, n_batches)."""
    everywhere = generator(p.seed, "abundances").normal(size=(p.n_types, 1))
    in_batches = generator(p.seed, "abundances in batches").normal(size=(p.n_types, p.n_batches))
    if p.batch_abundance_spread is None:
        return np.exp(p.abundance_spread * (everywhere + in_batches / 3))
    return np.exp(p.abundance_spread * everywhere + p.batch_abundance_spread * in_batches)


def _composition(n_cells, types, batches, rare, missing, abundance) -> np.ndarray:
    """Return the number of cells (n_types, n_batches)."""
    present = _presence(types, batches, missing)
    is_rare = np.isin(types, list(rare))
    _check_known("rare_types", rare, types)
    if sum(rare.values()) >= 1:
        raise ParameterError("rare_types: the fractions add up to 1 or more; leave cells for the other types")
    counts = np.zeros(present.shape, dtype=int)
    for name, fraction in rare.items():
        row = types.index(name)
        wanted = max(round(fraction * n_cells), min(RARE_MINIMUM, n_cells // len(types)))
        counts[row, present[row]] = _split(wanted, present[row].sum())
    for column, size in enumerate(_split(n_cells, len(batches))):
        common = present[:, column] & ~is_rare
        left = size - counts[:, column].sum()
        if not common.any():
            batch = batches[column]
            raise ParameterError(f"rare_types: {batch} has no type that is not rare; leave it at least one")
        if left < common.sum():
            needed = f"{counts[:, column].sum()} cells of rare types and {common.sum()} other types"
            raise ParameterError(f"n_cells: {size} cells in {batches[column]} do not hold {needed}; raise n_cells")
        counts[common, column] = _share_out(left, abundance[common, column])
    return counts


def _presence(types, batches, missing) -> np.ndarray:
    _check_known("missing_types", missing, batches)
    present = np.ones((len(types), len(batches)), dtype=bool)
    for batch, absent in missing.items():
        _check_known(f"missing_types.{batch}", absent, types)
        present[[types.index(name) for name in absent], batches.index(batch)] = False
    for name, somewhere in zip(types, np.any(present, axis=1), strict=True):
        if not somewhere:
            raise ParameterError(f"missing_types: {name} is missing from every batch; leave it in one")
    return present


def _check_known(key: str, names, known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ParameterError(f"{key}: '{name}' does not exist; known: {', '.join(known)}")


def _split(total: int, parts: int) -> np.ndarray:
    """Split into whole parts that differ by at most one."""
    return total // parts + (np.arange(parts) < total % parts)


def _share_out(total: int, weights: np.ndarray) -> np.ndarray:
    """Distribute whole units by weight, at least one each; with equal weights the parts differ by at most one."""
    if np.ptp(weights) == 0:
        return _split(total, len(weights))
    exact = (total - len(weights)) * weights / weights.sum()
    parts = np.floor(exact).astype(int)
    parts[np.argsort(parts - exact, kind="stable")[: total - len(weights) - parts.sum()]] += 1
    return parts + 1
