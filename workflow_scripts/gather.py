"""Rule gather_{analysis}: combine one analysis of all runs in a figure or a table."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from functools import partial
    from importlib import import_module

    import pandas as pd

    from scbench.files import read_table
    from scbench.integrity import usable
    from scbench.report.figures import save
    from scbench.report.plain import write_plain

    files = dict(zip(snakemake.params.runs, snakemake.input, strict=True))
    text = ["batch", "term", "annotator", "classifier", "held_out", "cells", "measure", "of", "candidate"]
    tables = usable(files, partial(read_table, text=text))
    for run, table in tables.items():
        for place, (column, value) in enumerate(zip(("dataset", "method", "seed"), run, strict=True)):
            table.insert(place, column, value)
    table, output = pd.concat(tables.values(), ignore_index=True), dict(snakemake.output.items())
    gathered = import_module(f"scbench.report.{snakemake.params.analysis}").gather(table, snakemake.params.labels)
    if "svg" in output:
        save(gathered, output, table)
    else:
        write_plain(gathered, output)
