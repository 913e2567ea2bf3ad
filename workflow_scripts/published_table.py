"""Rule published_table: write published scores beside ours."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_table
    from scbench.ranking.summary import TEXT_COLUMNS
    from scbench.report.plain import write_plain
    from scbench.report.published import compare, notes, read_published, shown

    values, sources = read_published(snakemake.params.folder)
    summary = read_table(snakemake.input.summary, text=TEXT_COLUMNS)
    table = compare(values, summary, snakemake.params.labels)
    words = notes(sources, table["source"].unique())
    write_plain(table, dict(snakemake.output.items()), shown(table, sources), notes=words)
