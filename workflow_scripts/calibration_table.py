"""Rule calibration_table: what every method changes where there is nothing to correct."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_table
    from scbench.ranking.summary import TEXT_COLUMNS
    from scbench.report.calibration import calibration_table
    from scbench.report.plain import write_plain

    summary = read_table(snakemake.input.summary, text=TEXT_COLUMNS)
    table = calibration_table(summary, snakemake.params.labels, snakemake.params.kinds)
    write_plain(table, dict(snakemake.output.items()))
