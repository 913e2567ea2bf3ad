"""Rule paper_folder: copy figures and tables, numbered and with captions, into one folder."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.report.paper import Item, write_paper

    params = snakemake.params
    items = [Item(**item) for item in params.contents]
    write_paper(snakemake.output.folder, items, params.left_out, about=params.about)
