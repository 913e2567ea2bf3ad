"""Parameters of simulated datasets with their defaults and ranges."""

from __future__ import annotations

from dataclasses import dataclass, field

from scbench.parameters import ParameterError, Parameters, number


@dataclass(frozen=True, kw_only=True)
class SimulationParameters(Parameters):
    """Parameters of the key `simulate` of a dataset.

    Attributes
    ----------
    n_cells, n_genes, n_types, n_batches
        Numbers of cells, genes, cell types and batches. Batches have equal size; within a batch, the types that are not
        rare have equal numbers of cells, or numbers with the variation `abundance_spread`.
    n_technologies
        Number of technologies, to which batches are assigned in turn; a single technology has no effect.
    type_strength, marker_fraction
        sd of the log fold change of the marker genes of a type; fraction of the genes that are markers of a type.
    batch_strength, technology_strength
        sd of the log gene effect; a strength of 0 removes only this effect and leaves the others unchanged.
    interaction_strength
        sd of the log gene effect of a batch on a single type.
    program_strength
        sd of the log fold change of the genes of a program at activity 1. There are 5 programs, each with a tenth of
        the genes; the activity of a program in a cell is standard normal.
    n_subtypes, subtype_strength
        Number of states within every type that are not part of the cell type labels (obs subtype), with proportions
        that vary between batches; sd of the log fold change of their marker genes, `marker_fraction` of all genes.
    path
        Types lie on a path in their order: the expression of a cell changes along its type, from the middle between the
        type before and its own to the middle between its own and the next (obs pseudotime, from 0 to 1).
    library_size, library_size_spread, batch_library_size_spread
        Median counts per cell; sd of the log over the cells of a batch; sd of the log over batches.
    dispersion
        theta: variance = mean + mean^2 / theta.
    abundance_spread
        sd of the log abundance of the types that are not rare; batches deviate from it with a third of this sd.
    rare_types
        {type: fraction of all cells}, rounded to whole cells, but at least 10 cells if `n_cells` permits.
    missing_types
        {batch: types that are absent from it}.
    seed
        The same seed and parameters give identical results.
    """

    n_cells: int = field(metadata={"low": 50, "high": 10_000_000})
    n_genes: int = number(1000, 50, 100_000)
    n_types: int = number(5, 1, 10_000)
    n_batches: int = number(2, 1, 10_000)
    n_technologies: int = number(1, 1)
    type_strength: float = number(0.85, 0)
    marker_fraction: float = number(0.15, 0, 1)
    batch_strength: float = number(0.3, 0)
    technology_strength: float = number(0.3, 0)
    interaction_strength: float = number(0.0, 0)
    program_strength: float = number(0.0, 0)
    n_subtypes: int = number(1, 1)
    subtype_strength: float = number(0.4, 0)
    path: bool = False
    library_size: float = number(2000.0, above=0, high=1e8)
    library_size_spread: float = number(0.3, 0)
    batch_library_size_spread: float = number(0.2, 0)
    dispersion: float = number(2.0, above=0)
    abundance_spread: float = number(0.0, 0)
    rare_types: dict | None = None
    missing_types: dict | None = None
    seed: int = number(0, 0, 2**32 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, fraction in (self.rare_types or {}).items():
            if not isinstance(fraction, int | float) or not 0 < fraction < 1:
                raise ParameterError(f"rare_types.{name}: {fraction!r} is not a fraction between 0 and 1")
        for name, absent in (self.missing_types or {}).items():
            if not isinstance(absent, list | tuple):
                raise ParameterError(f"missing_types.{name}: {absent!r} is not a list of cell types")
