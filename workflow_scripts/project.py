"""Rule project: project the embedding of a run to two dimensions."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    import pandas as pd

    from scbench.analyses.projection import projection_table
    from scbench.files import read_embedding, read_graph, read_truth, write_table

    run = snakemake.wildcards
    cell_ids = pd.Index(read_truth(snakemake.input.truth)["cell_id"])
    X, _ = read_embedding(snakemake.input.embedding, cell_ids, (run.dataset, run.method, int(run.seed)))
    graph, how = read_graph(snakemake.input.embedding), snakemake.params.projection
    table = projection_table(X, cell_ids, how=how, dataset=run.dataset, graph=graph)
    write_table(snakemake.output.projection, table)
