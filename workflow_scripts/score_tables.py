"""Rule score_tables: write the score tables: one per dataset, one overall, and the ranking."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_table
    from scbench.ranking.summary import TEXT_COLUMNS
    from scbench.ranking.uncertainty import RANKING_TEXT
    from scbench.report.ranking import write_ranking
    from scbench.report.tables import sheets, write_sheet

    given, output, params = snakemake.input, snakemake.output, snakemake.params
    summary = read_table(given.summary, text=TEXT_COLUMNS)
    found = sheets(summary, labels=params.labels, kinds=params.kinds, metrics=params.metrics)
    for place, name in enumerate(params.tables):
        write_sheet(found[name], {suffix: output[suffix][place] for suffix in ("tsv", "md", "tex")})
    tables = [read_table(given[name], text=RANKING_TEXT) for name in ("overall", "rank_tests", "sensitivity")]
    files = {suffix: output[f"ranking_{suffix}"] for suffix in ("tsv", "md", "tex")}
    write_ranking(*tables, files, labels=params.labels)
