"""Rule fetch: read or download a file and convert it to the raw format of all datasets."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from scbench.datasets.download import download
    from scbench.datasets.read import read_cells
    from scbench.datasets.validate import standardise
    from scbench.files import write_raw

    settings = snakemake.params.settings
    if "url" in settings:
        path = download(settings["url"], snakemake.params.folder, settings.get("sha256"))
    else:
        path = snakemake.input.path
    raw = standardise(
        read_cells(path, snakemake.input.get("metadata", settings.get("metadata"))),
        source=path,
        batch_key=settings["batch_key"],
        label_key=settings["label_key"],
        counts_layer=settings.get("counts_layer"),
    )
    write_raw(snakemake.output.raw, raw)
    print(f"{raw.n_obs} cells, {raw.n_vars} genes, {raw.obs['batch'].nunique()} batches")
    print(f"{raw.uns['dropped_empty_cells']} cells without counts were dropped")
