"""Rule gene_table: download public sources and join them to one table of genes."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.datasets.lock import download_locked
    from scbench.gene_knowledge.public import gene_table, write_gene_table

    where = {"folder": snakemake.params.folder, "lock": snakemake.params.lock, "private": snakemake.params.private}
    table = gene_table({name: download_locked(url, **where) for name, url in snakemake.params.sources.items()})
    for path in snakemake.output:
        write_gene_table(path, table)
    print(f"{len(table)} genes, {table.shape[1]} columns")
