"""Bring the annotation tasks of all runs together: macro-F1 per data set, method and seed."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.files import atomic, read_table, write_table
    from scbench.report.annotation import summarise_annotation

    tables = [read_table(path, text=["held_out", "annotator"]) for path in snakemake.input.tables]
    table = summarise_annotation(tables, snakemake.params.runs)
    write_table(snakemake.output.tsv, table)
    with atomic(snakemake.output.md) as partial:
        partial.write_text(table.to_markdown(index=False, floatfmt=".3f") + "\n")
