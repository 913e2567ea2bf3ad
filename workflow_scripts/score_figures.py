"""Rule score_figures: draw the score tables as figures: one per dataset, one overall, and the ranking."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_table
    from scbench.ranking.summary import TEXT_COLUMNS
    from scbench.ranking.uncertainty import RANKING_TEXT
    from scbench.report.figures import save
    from scbench.report.ranking import draw_ranking
    from scbench.report.table_figure import draw_all

    given, output, params = snakemake.input, snakemake.output, snakemake.params
    summary = read_table(given.summary, text=TEXT_COLUMNS)
    summary = summary[summary["method"].isin(params.labels)]
    found = draw_all(summary, labels=params.labels, kinds=params.kinds, metrics=params.metrics)
    for place, name in enumerate(params.tables):
        figure, drawn = found[name]
        save(figure, {suffix: output[suffix][place] for suffix in ("svg", "png", "pdf", "tsv")}, drawn)
    overall, tests = (read_table(given[name], text=RANKING_TEXT) for name in ("overall", "rank_tests"))
    figure, drawn = draw_ranking(overall, tests, labels=params.labels)
    save(figure, {suffix: output[f"ranking_{suffix}"] for suffix in ("svg", "png", "pdf", "tsv")}, drawn)
