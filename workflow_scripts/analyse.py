"""Rule analyse_{analysis}: write the tables of one analysis of one run, and its figure if it has one."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from importlib import import_module

    from scbench.files import write_table
    from scbench.runner import FinishedRun

    analysis, output = snakemake.params.analysis, dict(snakemake.output.items())
    run = FinishedRun(dict(snakemake.input.items()), int(snakemake.wildcards.seed))
    tables = import_module(f"scbench.analyses.{analysis}").analyse(run)
    for name, table in tables.items():
        write_table(output[name], table)
    if snakemake.params.draws:
        from scbench.report.figures import save

        save(import_module(f"scbench.report.{analysis}").draw_run(tables, snakemake.params.title), output)
