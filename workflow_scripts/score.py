"""Rule score: score one embedding: embedding.h5ad + truth.tsv.gz -> scores.tsv, levels.tsv, by_type.tsv."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_dataset, read_embedding, read_graph, read_truth, write_scores
    from scbench.metrics.suite import score_run
    from scbench.score_files import write_by_type, write_levels

    given, run = snakemake.input, snakemake.wildcards
    run_of = (run.dataset, run.method, int(run.seed))
    adata = read_dataset(given.dataset, matrices=["X"])
    tables = score_run(
        *read_embedding(given.embedding, adata.obs_names, run_of),
        adata,
        read_truth(given.truth, adata.obs_names),
        dataset=run.dataset,
        method=run.method,
        seed=int(run.seed),
        metrics=snakemake.params.metrics,
        graph=read_graph(given.embedding),
        threads=snakemake.threads,
        backend=snakemake.params.backend,
    )
    write_scores(snakemake.output.scores, tables["scores"])
    write_levels(snakemake.output.levels, tables["levels"])
    write_by_type(snakemake.output.by_type, tables["by_type"])
