"""Rule gene_vectors: train skip-gram on gene pairs (gene2vec) or on random walks along them (node2vec)."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    import json
    from pathlib import Path

    from scbench.files import read_dataset, write_gene_vectors
    from scbench.gene_knowledge import vectors
    from scbench.gene_knowledge.coexpression import read_pairs

    genes = read_dataset(snakemake.input.dataset, matrices=[]).var_names.to_numpy()
    pairs = read_pairs(snakemake.input.pairs)
    report = json.loads(Path(snakemake.input.report).read_text())
    found, report = vectors.from_pairs(snakemake.wildcards.source, pairs, report, genes, width=snakemake.params.width)
    write_gene_vectors(snakemake.output.vectors, genes, found, report)
    print(report)
