"""Draw what happened in each round of the runs that train themselves."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    from scbench.files import read_table
    from scbench.report.figures import save
    from scbench.report.self_training import self_training_figure, self_training_table

    histories = [read_table(path, text=["term"]) for path in snakemake.input.histories]
    table = self_training_table(histories, snakemake.params.runs)
    save(self_training_figure(table, snakemake.params.labels), table, Path(snakemake.output.svg).with_suffix(""))
