"""Rule score: score one embedding: embedding.h5ad + truth.tsv.gz -> scores.tsv."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.files import cell_cycle_phases, read_dataset, read_embedding, read_truth, write_scores
    from scbench.metrics.suite import score_embedding

    wildcards = snakemake.wildcards
    adata = read_dataset(snakemake.input.dataset)
    truth = read_truth(snakemake.input.truth, adata.obs_names)
    embedding, clusters = read_embedding(snakemake.input.embedding, adata.obs_names)
    scores = score_embedding(
        embedding,
        pca=adata.obsm["X_pca"],
        batch=truth["batch"].to_numpy(),
        labels=truth["cell_type"].to_numpy(),
        clusters=clusters,
        phases=cell_cycle_phases(adata),
        metrics=snakemake.params.metrics,
        threads=snakemake.threads,
    )
    scores.insert(0, "dataset", wildcards.dataset)
    scores.insert(1, "method", wildcards.method)
    scores.insert(2, "seed", int(wildcards.seed))
    write_scores(snakemake.output.scores, scores)
