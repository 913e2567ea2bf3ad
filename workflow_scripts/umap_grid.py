"""Rule umap_grid: draw the UMAP of the embedding of every method on one dataset."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.analyses.umap import umap_table
    from scbench.files import read_dataset, read_embedding, read_truth
    from scbench.report.figures import save
    from scbench.report.umap_grid import umap_figure

    cell_ids = read_dataset(snakemake.input.dataset).obs_names
    truth = read_truth(snakemake.input.truth, cell_ids)
    paths = dict(zip(snakemake.params.methods, snakemake.input.embeddings, strict=True))
    table = umap_table({method: read_embedding(path, cell_ids)[0] for method, path in paths.items()}, truth)
    save(umap_figure(table, snakemake.params.labels), dict(snakemake.output.items()), table)
