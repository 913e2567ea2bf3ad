"""Rule simulate: draw a dataset with known batches and cell types."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.datasets.simulate import simulate
    from scbench.datasets.validate import truth_of
    from scbench.files import write_raw

    raw = simulate(**snakemake.params.settings)
    if snakemake.params.columns:
        keys = {"label_key": "cell_type", "condition_key": None} | snakemake.params.columns
        raw.obs = raw.obs.drop(columns="cell_type").assign(**truth_of(raw.obs, "simulate", **keys)).astype("category")
    write_raw(snakemake.output.raw, raw)
    print(f"{raw.n_obs} cells, {raw.n_vars} genes, {raw.obs['batch'].nunique()} batches")
