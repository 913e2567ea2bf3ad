"""Rule simulate: draw a data set with known batches and cell types."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.contracts import write_raw
    from scbench.datasets.simulate import simulate

    raw = simulate(**snakemake.params.settings)
    write_raw(snakemake.output.raw, raw)
    print(f"{raw.n_obs} cells, {raw.n_vars} genes, {raw.obs['batch'].nunique()} batches")
