"""Simulated counts: library sizes, ambient RNA, doublets, and the gamma-Poisson noise of every gene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from scbench.datasets.parameters import SimulationParameters
from scbench.datasets.simulated_genes import Gradient
from scbench.seeding import generator

CHUNK = 1000  # cells drawn at a time


@dataclass(frozen=True)
class Expected:
    """Expected counts of single cells, without ambient RNA.

    Attributes
    ----------
    size
        (n_cells,) expected total counts.
    shares
        (n_groups, n_genes) shares of the genes for every type (or subtype) in every batch.
    groups
        (n_cells,) rows of `shares`.
    gradients
        Continuous states within groups.
    """

    size: np.ndarray
    shares: np.ndarray
    groups: np.ndarray
    gradients: list[Gradient]

    def of(self, cells: np.ndarray) -> np.ndarray:
        """Return the expected counts (n, n_genes) of some cells."""
        share = self.shares[self.groups[cells]]
        for activities, effects in self.gradients:
            share = share * np.exp(activities[cells] @ effects)
            share /= share.sum(axis=1, keepdims=True)
        return self.size[cells, None] * share


def library_sizes(p: SimulationParameters, batch_of: np.ndarray) -> np.ndarray:
    """Return the expected total counts of every cell, (n_cells,)."""
    of_batches = generator(p.seed, "batch library sizes").normal(size=p.n_batches)
    of_cells = generator(p.seed, "library sizes").normal(size=p.n_cells)
    log_sizes = p.batch_library_size_spread * (of_batches - of_batches.mean())
    return p.library_size * np.exp(log_sizes[batch_of] + p.library_size_spread * of_cells)


def shares(p: SimulationParameters, base: np.ndarray, type_effects: np.ndarray, of_batches: np.ndarray) -> np.ndarray:
    """Return the shares of the genes (n_types x n_batches, n_genes) for every type in every batch."""
    effects = base + type_effects[:, None] + of_batches[None]
    if p.interaction_strength:
        effects = effects + p.interaction_strength * generator(p.seed, "interactions").normal(size=effects.shape)
    exponentials = np.exp(effects).reshape(-1, type_effects.shape[1])
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def partners(seed: int, batch_of: np.ndarray, doublet_fraction: float) -> np.ndarray:
    """Return the second cell of every doublet, which is of the same batch, and -1 for single cells, (n_cells,)."""
    second = np.full(len(batch_of), -1)
    random = generator(seed, "doublets")
    for batch in np.unique(batch_of):
        cells = np.flatnonzero(batch_of == batch)
        doublets = random.permutation(cells)[: round(doublet_fraction * len(cells))]
        second[doublets] = random.choice(cells, size=len(doublets))
    return second


def ambient(expected: Expected, batch_of: np.ndarray, fraction: float) -> np.ndarray:
    """Return the expected ambient counts of every cell of a batch, (n_batches, n_genes).

    They are the same for all cells of a batch: `fraction` of its mean expression, without continuous states.
    """
    size = np.bincount(batch_of * len(expected.shares) + expected.groups, weights=expected.size)
    n_batches = batch_of.max() + 1
    of_groups = np.pad(size, (0, n_batches * len(expected.shares) - len(size))).reshape(n_batches, -1)
    return fraction * of_groups @ expected.shares / np.bincount(batch_of)[:, None]


def draw(
    p: SimulationParameters, expected: Expected, theta: np.ndarray | float, batch_of: np.ndarray, second: np.ndarray
) -> sparse.csr_matrix:
    """Draw gamma-Poisson counts from two random streams, so that the result does not depend on the chunk size.

    `second` is the second cell of every doublet and -1 for single cells, (n_cells,).
    """
    rates, counts = generator(p.seed, "rates"), generator(p.seed, "counts")
    background = ambient(expected, batch_of, p.ambient_fraction) if p.ambient_fraction else None
    blocks = []
    for start in range(0, p.n_cells, CHUNK):
        cells = np.arange(start, min(start + CHUNK, p.n_cells))
        mean = expected.of(cells)
        doublets = second[cells] >= 0
        mean[doublets] += expected.of(second[cells[doublets]])
        if background is not None:
            mean = (1 - p.ambient_fraction) * mean + background[batch_of[cells]]
        drawn = counts.poisson(rates.standard_gamma(theta, size=mean.shape) * (mean / theta))
        blocks.append(sparse.csr_matrix(drawn.astype(np.int32)))
    return sparse.vstack(blocks, format="csr")
