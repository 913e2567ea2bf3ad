"""Write the tables of the scores: one per data set and one overall."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.files import read_table
    from scbench.ranking.summary import TEXT_COLUMNS
    from scbench.ranking.uncertainty import RANKING_TEXT
    from scbench.report.ranking import write_ranking
    from scbench.report.tables import write_all

    write_all(
        read_table(snakemake.input.summary, text=TEXT_COLUMNS),
        snakemake.params.folder,
        labels=snakemake.params.labels,
        kinds=snakemake.params.kinds,
        metrics=snakemake.params.metrics,
    )
    tables = {
        name: read_table(snakemake.input[name], text=RANKING_TEXT) for name in ("overall", "tests", "sensitivity")
    }
    write_ranking(**tables, folder=snakemake.params.folder, labels=snakemake.params.labels)
