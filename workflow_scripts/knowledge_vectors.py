"""Rule knowledge_vectors: convert tables of gene functions to one vector per gene."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_dataset, write_gene_vectors
    from scbench.gene_knowledge.tables import of_tables

    genes = read_dataset(snakemake.input.dataset, matrices=[]).var_names.to_numpy()
    vectors, report = of_tables(genes, **snakemake.params.settings)
    write_gene_vectors(snakemake.output.vectors, genes, vectors, report)
    print(report)
