"""Rule attention_pairs: the pairs of genes that attend to each other most in the cells of a type."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    import numpy as np

    from scbench.analyses.attention import attention_pairs
    from scbench.files import read_dataset, read_model, read_truth, write_table
    from scbench.transformer.modes import load

    adata = read_dataset(snakemake.input.dataset)
    labels = read_truth(snakemake.input.truth, adata.obs_names)["cell_type"].to_numpy()
    state = read_model(snakemake.input.model)
    table = attention_pairs(load(state), np.array(state["genes"]), adata.layers["counts"], labels)
    write_table(snakemake.output.table, table)
