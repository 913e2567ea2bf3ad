"""The figures that are drawn from tables of the results, with their inputs.

A figure is a module of scbench.report of the same name with `draw(tables, labels) -> (Figure, drawn values)`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Drawing:
    """One entry of the catalogue of figures.

    Attributes
    ----------
    title
        Title used in messages and captions.
    category
        Category in `snakemake --report`.
    reads
        Tables that the figure is drawn from, as "{folder}/{name}" with the folder summary or tables.
    analysis
        Analysis whose table the figure also reads; without runs of this analysis there is no figure.
    by_default
        Whether the figure is part of the benchmark; if not, `snakemake paper` draws it.
    """

    title: str
    category: str
    reads: tuple[str, ...] = ()
    analysis: str | None = None
    by_default: bool = True


FIGURES = {
    "bio_batch": Drawing(
        title="bio conservation against batch correction",
        category="Scores",
        reads=("summary/summary", "tables/overall"),
    ),
    "by_type": Drawing(
        title="mixing and purity of every cell type",
        category="Scores",
        reads=("summary/by_type",),
    ),
    "scaling": Drawing(
        title="run time and memory against the number of cells",
        category="Run time",
        reads=("summary/resources", "tables/datasets", "tables/overall"),
    ),
    "annotation": Drawing(
        title="cell types of held-out batches",
        category="Cell types of held-out batches",
        analysis="annotation",
        by_default=False,
    ),
}
