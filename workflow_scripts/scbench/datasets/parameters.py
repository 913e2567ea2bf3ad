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
    gene_spread
        sd of the log mean over genes: many genes with low and a few with high expression.
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
    n_modules, module_strength
        Number of modules of co-expressed genes, which together hold half of the genes; sd of the log fold change of the
        genes of a module between the cells of a type. Types and subtypes are then marked by whole modules, and genes
        have human symbols, those of one pathway for one module. Without modules, all genes are independent.
    path, n_branches
        Types lie on a path in their order: the expression of a cell changes along its type, from the middle between the
        type before and its own to the middle between its own and the next (obs pseudotime, from 0 to 1). With several
        branches the first type is the root, and the other types are assigned to the branches in turn.
    library_size, library_size_spread, batch_library_size_spread
        Median counts per cell; sd of the log over the cells of a batch; sd of the log over batches.
    dispersion, dispersion_slope, dispersion_spread
        theta of a gene of median expression: variance = mean + mean^2 / theta; change of log theta per unit of log mean
        expression of the gene; sd of log theta over genes of the same expression.
    ambient_fraction
        Share of the counts of a typical cell that come from the mean expression of its batch; the number is the same in
        all cells of a batch, so the share is larger in cells with few counts.
    doublet_fraction
        Share of the cells that hold the counts of a second cell of the same batch (obs doublet), under the type of the
        first.
    abundance_spread, batch_abundance_spread
        sd of the log abundance of the types that are not rare; sd of its deviations between batches, null: a third.
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
    gene_spread: float = number(1.5, 0, 5)
    type_strength: float = number(0.85, 0)
    marker_fraction: float = number(0.15, 0, 1)
    batch_strength: float = number(0.3, 0)
    technology_strength: float = number(0.3, 0)
    interaction_strength: float = number(0.0, 0)
    program_strength: float = number(0.0, 0)
    n_subtypes: int = number(1, 1)
    subtype_strength: float = number(0.4, 0)
    n_modules: int = number(0, 0)
    module_strength: float = number(0.0, 0, 2)
    path: bool = False
    n_branches: int = number(1, 1)
    library_size: float = number(2000.0, above=0, high=1e8)
    library_size_spread: float = number(0.3, 0)
    batch_library_size_spread: float = number(0.2, 0)
    dispersion: float = number(2.0, above=0)
    dispersion_slope: float = number(0.0, -2, 2)
    dispersion_spread: float = number(0.0, 0, 2)
    ambient_fraction: float = number(0.0, 0, 0.9)
    doublet_fraction: float = number(0.0, 0, 0.5)
    abundance_spread: float = number(0.0, 0)
    batch_abundance_spread: float | None = number(None, 0)
    rare_types: dict | None = None
    missing_types: dict | None = None
    seed: int = number(0, 0, 2**32 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if 4 * self.n_modules > self.n_genes:
            raise ParameterError(f"n_modules: {self.n_modules} are too many for {self.n_genes} genes; lower n_modules")
        for name, fraction in (self.rare_types or {}).items():
            if not isinstance(fraction, int | float) or not 0 < fraction < 1:
                raise ParameterError(f"rare_types.{name}: {fraction!r} is not a fraction between 0 and 1")
        for name, absent in (self.missing_types or {}).items():
            if not isinstance(absent, list | tuple):
                raise ParameterError(f"missing_types.{name}: {absent!r} is not a list of cell types")
