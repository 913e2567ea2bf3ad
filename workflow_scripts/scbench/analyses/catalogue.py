"""The analyses that methods can declare, with their inputs and outputs.

An analysis is a module of scbench.analyses of the same name with `analyse(run) -> {table: DataFrame}`. An optional
module of scbench.report of the same name draws its figures: `draw_run(tables, title)` for one run and
`gather(table, labels)` for all runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Analysis:
    """One entry of the catalogue of analyses.

    Attributes
    ----------
    title
        Title used in messages and captions.
    reads
        Required files of the run: embedding, history, model, or a table that the method declares.
    tables
        Tables written to the folder of the run, as {table}.tsv.
    draws
        Whether each run has a figure, {analysis}.svg and .png.
    gathers
        figure | table: output made from the first table of all runs; None: no output.
    needs_labels
        Whether the analysis requires cell types.
    by_default
        Whether the analysis is part of the benchmark; if not, run it with `snakemake {analysis}`.
    of_every_method
        Whether the analysis belongs to every method; otherwise to those that declare it.
    trains
        Whether the analysis trains the method again.
    metrics
        Metrics that it computes.
    """

    title: str
    reads: tuple[str, ...]
    tables: tuple[str, ...]
    draws: bool = False
    gathers: str | None = None
    needs_labels: bool = True
    by_default: bool = False
    of_every_method: bool = False
    trains: bool = False
    metrics: tuple[str, ...] = ()


ANALYSES = {
    "disentanglement": Analysis(
        title="evidence of disentanglement",
        reads=("embedding", "model"),
        tables=("disentanglement", "correlations", "counterfactuals"),
        draws=True,
        gathers="table",
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
    "few_labels": Analysis(
        title="cell types from few labelled cells, with a pretrained trunk and without",
        reads=("model",),
        tables=("few_labels",),
        gathers="table",
    ),
    "gene_vectors": Analysis(
        title="hidden genes predicted with different gene vectors",
        reads=("history",),
        tables=("gene_vectors",),
        gathers="figure",
        needs_labels=False,
        by_default=True,
    ),
    "attention": Analysis(
        title="gene-gene attention per cell type",
        reads=("model",),
        tables=("attention",),
        draws=True,
    ),
    "classifiers": Analysis(
        title="cell types of held-out batches by five classifiers",
        reads=("embedding",),
        tables=("classifiers",),
        gathers="table",
        of_every_method=True,
    ),
    "query_mapping": Analysis(
        title="a batch held out of training and mapped",
        reads=("embedding", "model"),
        tables=("query_mapping",),
        gathers="table",
        trains=True,
    ),
    "corrected_expression": Analysis(
        title="highly variable genes kept by the corrected expression",
        reads=("model",),
        tables=("corrected_expression",),
        gathers="table",
        needs_labels=False,
    ),
    "tuning": Analysis(
        title="parameters chosen without labels",
        reads=("embedding", "model"),
        tables=("tuning",),
        gathers="table",
        needs_labels=False,
        trains=True,
        metrics=("trustworthiness_above_chance", "cluster_stability", "morans_i", "ilisi", "pcr_comparison"),
    ),
}
