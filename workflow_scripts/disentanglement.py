"""Measure and draw how well one run of the disentangled autoencoder has parted biology from batch."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from pathlib import Path

    from scbench.analyses.disentanglement import correlations, counterfactuals, downstream, evidence
    from scbench.files import read_dataset, read_embedding, read_model, read_truth, write_table
    from scbench.report.disentanglement import evidence_figure
    from scbench.report.figures import save

    adata = read_dataset(snakemake.input.dataset)
    labels = read_truth(snakemake.input.truth, adata.obs_names)["cell_type"].to_numpy()
    batch = adata.obs["batch"].cat.codes.to_numpy()
    state = read_model(snakemake.input.model)
    z_batch, shifts = counterfactuals(state, adata.layers["counts"], batch, labels)
    z_bio, _ = read_embedding(snakemake.input.embedding, adata.obs_names)
    spaces = {"pca": adata.obsm["X_pca"], "z_bio": z_bio, "z_batch": z_batch}
    table = evidence(spaces, batch, labels, shifts)
    figure = evidence_figure(table, correlations(z_bio, z_batch), shifts, snakemake.params.title)
    save(figure, table, Path(snakemake.output.svg).with_suffix(""))
    del spaces["z_batch"]
    write_table(snakemake.output.downstream, downstream(spaces, adata.obs["batch"].astype(str).to_numpy(), labels))
