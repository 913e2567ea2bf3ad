"""Rule annotate: name the cell types of held-out batches with a trained trunk, and by logistic regression."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.analyses.annotation import annotation_table
    from scbench.files import read_dataset, read_model, read_truth, write_table

    adata = read_dataset(snakemake.input.dataset)
    truth = read_truth(snakemake.input.truth, adata.obs_names)
    table = annotation_table(
        read_model(snakemake.input.model),
        adata.layers["counts"],
        adata.obsm["X_pca"],
        truth["batch"].to_numpy(),
        truth["cell_type"].to_numpy(),
        seed=int(snakemake.wildcards.seed),
    )
    write_table(snakemake.output.table, table)
