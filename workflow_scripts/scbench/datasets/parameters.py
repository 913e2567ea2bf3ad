"""Parameters of simulated datasets; each stands here once, with its default and its range."""

from __future__ import annotations

from dataclasses import dataclass, field

from scbench.parameters import Parameters, number


@dataclass(frozen=True, kw_only=True)
class SimulationParameters(Parameters):
    """The key `simulate` of a dataset.

    Attributes
    ----------
    n_cells, n_genes, n_types, n_batches
        Batches have the same size; within a batch, the types that are not rare share its cells equally, or as
        `abundance_spread` says.
    n_technologies
        Batches are dealt to technologies in turn; a single technology has no effect.
    type_strength, marker_fraction
        sd of the log fold change of a type's marker genes; which share of the genes marks a type.
    batch_strength, technology_strength
        sd of the log gene effect; a strength of 0 removes exactly this effect and leaves the others as they were.
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
    seed
        Same seed and parameters: same bits.
    """

    n_cells: int = field(metadata={"low": 50})
    n_genes: int = number(1000, 50)
    n_types: int = number(5, 1)
    n_batches: int = number(2, 1)
    n_technologies: int = number(1, 1)
    type_strength: float = number(0.85, 0)
    marker_fraction: float = number(0.15, 0, 1)
    batch_strength: float = number(0.3, 0)
    technology_strength: float = number(0.3, 0)
    interaction_strength: float = number(0.0, 0)
    program_strength: float = number(0.0, 0)
    n_subtypes: int = number(1, 1)
    subtype_strength: float = number(0.4, 0)
    library_size: float = number(2000.0, above=0)
    library_size_spread: float = number(0.3, 0)
    batch_library_size_spread: float = number(0.2, 0)
    dispersion: float = number(2.0, above=0)
    abundance_spread: float = number(0.0, 0)
    rare_types: dict | None = None
    missing_types: dict | None = None
    seed: int = number(0, 0)
