"""Rule cell_scores_run: scores of every cell of one run, for colouring a UMAP: -> cell_scores.h5ad."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_dataset, read_embedding, read_graph, read_truth
    from scbench.metrics.suite import score_cells
    from scbench.score_files import write_cell_scores

    run = snakemake.wildcards
    adata = read_dataset(snakemake.input.dataset, matrices=[])
    X, _ = read_embedding(snakemake.input.embedding, adata.obs_names, (run.dataset, run.method, int(run.seed)))
    truth = read_truth(snakemake.input.truth, adata.obs_names)
    scores = score_cells(X, adata, truth, read_graph(snakemake.input.embedding), threads=snakemake.threads)
    write_cell_scores(snakemake.output.cells, X, truth, scores)
