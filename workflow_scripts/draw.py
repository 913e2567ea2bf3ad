"""Rule draw_{figure}: draw a figure of the catalogue from tables of the results."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from importlib import import_module

    from scbench.files import read_table
    from scbench.ranking.summary import TEXT_COLUMNS
    from scbench.report.figures import save

    module = import_module(f"scbench.report.{snakemake.params.figure}")
    tables = {name: read_table(path, text=[*TEXT_COLUMNS, "name"]) for name, path in snakemake.input.items()}
    figure, drawn = module.draw(tables, snakemake.params.labels)
    save(figure, dict(snakemake.output.items()), drawn)
