"""Rule simulate: draw a dataset with known batches and cell types."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.datasets.simulate import simulate
    from scbench.files import write_raw

    raw = simulate(**snakemake.params.settings)
    write_raw(snakemake.output.raw, raw)
    print(f"{raw.n_obs} cells, {raw.n_vars} genes, {raw.obs['batch'].nunique()} batches")
