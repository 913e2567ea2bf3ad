"""Rule coexpression: correlate genes over metacells within batches and write the co-expressed pairs."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_dataset, write_json
    from scbench.gene_knowledge.coexpression import of_dataset, write_pairs

    dataset = read_dataset(snakemake.input.dataset)
    pairs, report = of_dataset(dataset, **snakemake.params.settings)
    write_pairs(snakemake.output.pairs, pairs, dataset.var_names)
    write_json(snakemake.output.report, report)
    print(report)
