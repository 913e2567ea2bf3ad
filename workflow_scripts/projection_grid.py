"""Rule projection_grid: draw the projection of every method on one dataset."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from functools import partial

    from scbench.files import read_table, read_truth
    from scbench.integrity import usable
    from scbench.report.figures import save
    from scbench.report.projection_grid import grid_table, projection_figure

    given, params = snakemake.input, snakemake.params
    files = dict(zip(params.methods, given.projections, strict=True))
    projections = usable(files, partial(read_table, text=["cell_id"]))
    table = grid_table(projections, read_truth(given.truth))
    save(projection_figure(table, params.labels), dict(snakemake.output.items()), table)
