"""Rule summarise: combine the scores of all runs: summary, ranking and its uncertainty, run time and memory."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import write_table
    from scbench.integrity import set_aside
    from scbench.ranking.tables import RUN_TABLES, summary_tables

    given, params = snakemake.input, snakemake.params
    files = {run: {} for run in params.all_runs}
    for name in RUN_TABLES:
        for run, path in zip(params.all_runs, given[name], strict=True):
            files[run][name] = path
    for run, path in zip(params.runs, given.benchmarks, strict=True):
        files[run]["benchmark"] = path
    tables, broken = summary_tables(
        files, **{name: params[name] for name in ("kinds", "metrics", "weights", "scaling", "robust", "runs")}
    )
    for error in broken.values():
        print(f"left out: {set_aside(error)}")
    for name, table in tables.items():
        write_table(snakemake.output[name], table)
