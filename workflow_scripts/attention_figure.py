"""Draw the pairs of genes that attend to each other most in the cells of a type."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    from scbench.files import read_table
    from scbench.report.attention import attention_figure
    from scbench.report.figures import save

    table = read_table(snakemake.input.table, text=["cell_type", "gene", "attends_to"])
    save(attention_figure(table), table, Path(snakemake.output.svg).with_suffix(""))
