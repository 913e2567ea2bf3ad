"""Rule export_run: write arrays and plots of one run for use outside the workflow."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    import pandas as pd

    from scbench.analyses.exports import EXPORTS
    from scbench.files import read_embedding, read_graph, read_table, read_truth
    from scbench.report.exports import export_run

    run = snakemake.wildcards
    truth = read_truth(snakemake.input.truth)
    embedding, clusters = read_embedding(
        snakemake.input.embedding, pd.Index(truth["cell_id"]), (run.dataset, run.method, int(run.seed))
    )
    history = read_table(snakemake.input.history) if snakemake.input.history else None
    files = dict(zip(EXPORTS, snakemake.output, strict=True))
    title = f"{run.method}, seed {run.seed}"
    graph = read_graph(snakemake.input.embedding)
    export_run(files, embedding, truth, title=title, clusters=clusters, history=history, graph=graph)
