"""Rule fetch: read or download a file and convert it to the raw format of all datasets."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.datasets.sources import read_source
    from scbench.files import write_raw

    raw = read_source(snakemake.params.settings, folder=snakemake.params.folder, lock=snakemake.params.lock)
    write_raw(snakemake.output.raw, raw)
    print(f"{raw.n_obs} cells, {raw.n_vars} genes, {raw.obs['batch'].nunique()} batches")
    print(f"{raw.uns['dropped_empty_cells']} cells without counts were dropped")
