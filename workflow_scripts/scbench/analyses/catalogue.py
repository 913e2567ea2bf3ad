"""The analyses that methods can declare, and what each reads and writes.

An analysis is a module of scbench.analyses of the same name with `analyse(run) -> {table: DataFrame}`. A module of
scbench.report of the same name may draw: `draw_run(tables, title)` one run, `gather(table, labels)` all runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Analysis:
    """Evidence about the runs of one kind of model, beyond the scores.

    Attributes
    ----------
    title
        What it is, for messages and captions.
    reads
        Files of the run: embedding, history, model, or a table that the method declares.
    tables
        Tables that it writes into the folder of the run, as {table}.tsv.
    draws
        Whether each run has a figure, {analysis}.svg and .png.
    gathers
        figure | table: what is made of the first table of all runs; None: nothing.
    needs_labels
        Whether it has no meaning for a dataset without cell types.
    by_default
        Whether it belongs to the benchmark; if not, `snakemake {analysis}` makes it.
    """

    title: str
    reads: tuple[str, ...]
    tables: tuple[str, ...]
    draws: bool = False
    gathers: str | None = None
    needs_labels: bool = True
    by_default: bool = False


ANALYSES = {
    "disentanglement": Analysis(
        title="evidence of disentanglement",
        reads=("embedding", "model"),
        tables=("disentanglement", "correlations", "counterfactuals", "downstream"),
        draws=True,
        by_default=True,
    ),
    "self_training": Analysis(
        title="rounds of self-training",
        reads=("history", "rounds"),
        tables=("self_training",),
        gathers="figure",
        needs_labels=False,
        by_default=True,
    ),
    "annotation": Analysis(
        title="cell types of held-out batches",
        reads=("model",),
        tables=("annotation",),
        gathers="table",
    ),
    "attention": Analysis(
        title="gene-gene attention per cell type",
        reads=("model",),
        tables=("attention",),
        draws=True,
    ),
}
