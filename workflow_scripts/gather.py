"""Rule gather_{analysis}: combine one analysis of all runs in a figure or a table."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from importlib import import_module

    import pandas as pd

    from scbench.files import read_table
    from scbench.report.figures import save
    from scbench.report.plain import write_plain

    tables = []
    for path, run in zip(snakemake.input, snakemake.params.runs, strict=True):
        table = read_table(path, text=["term", "annotator", "held_out", "measure", "of"])
        for place, (column, value) in enumerate(zip(("dataset", "method", "seed"), run, strict=True)):
            table.insert(place, column, value)
        tables.append(table)
    table, output = pd.concat(tables, ignore_index=True), dict(snakemake.output.items())
    gathered = import_module(f"scbench.report.{snakemake.params.analysis}").gather(table, snakemake.params.labels)
    if "svg" in output:
        save(gathered, output, table)
    else:
        write_plain(gathered, output)
