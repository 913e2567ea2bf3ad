"""Rule runtime_figure: draw wall time and peak memory of all runs."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_table
    from scbench.report.figures import save
    from scbench.report.runtime import runtime_figure, runtime_table

    resources = read_table(snakemake.input.resources, text=["dataset", "method"])
    table = runtime_table(resources, snakemake.params.labels)
    save(runtime_figure(table), dict(snakemake.output.items()), table)
