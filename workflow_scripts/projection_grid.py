"""Rule projection_grid: draw the projection of every method on one dataset."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.files import read_table, read_truth
    from scbench.report.figures import save
    from scbench.report.projection_grid import grid_table, projection_figure

    given, params = snakemake.input, snakemake.params
    projections = {
        method: read_table(path, text=["cell_id"])
        for method, path in zip(params.methods, given.projections, strict=True)
    }
    table = grid_table(projections, read_truth(given.truth))
    save(projection_figure(table, params.labels), dict(snakemake.output.items()), table)
