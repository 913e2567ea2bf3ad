"""Rule ablation_figure: draw the scores and probes of the variants of one method."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_table
    from scbench.ranking.summary import TEXT_COLUMNS
    from scbench.report.ablation import draw
    from scbench.report.figures import save

    tables = {name: read_table(path, text=TEXT_COLUMNS) for name, path in snakemake.input.items()}
    figure, drawn = draw(tables, snakemake.params.labels, snakemake.params.methods)
    save(figure, dict(snakemake.output.items()), drawn)
