"""Rule summarise: combine the scores of all runs: summary, ranking and its uncertainty, run time and memory."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.files import write_table
    from scbench.ranking.tables import summary_tables

    given, params = snakemake.input, snakemake.params
    tables = summary_tables(
        scores=given.scores,
        levels=given.levels,
        by_type=given.by_type,
        benchmarks=dict(zip(params.runs, given.benchmarks, strict=True)),
        **{name: params[name] for name in ("kinds", "weights", "scaling", "robust", "runs")},
    )
    for name, table in tables.items():
        write_table(snakemake.output[name], table)
