"""Rule integrate_{method}: run one method with one seed: dataset.h5ad -> embedding.h5ad, history.tsv, model.pt."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from pathlib import Path

    from scbench.files import read_dataset, read_gene_vectors, read_model, read_truth
    from scbench.prepared import matrix_of
    from scbench.provenance import run_key
    from scbench.runner import run, write_run
    from scbench.spec import Spec
    from scbench.types import Checkpoint

    given, params = snakemake.input, snakemake.params
    spec, seed = Spec(**params.spec), int(snakemake.wildcards.seed)
    adata = read_dataset(given.dataset, matrices=matrix_of(spec.input))
    vectors = {source: read_gene_vectors(given[source], adata.var_names) for source in spec.gene_vectors}
    trunk = [given.pretrained] if spec.pretrained else []
    key = run_key(params.code, spec.parameters, seed, given.dataset, *(given[source] for source in vectors), *trunk)
    result = run(
        spec,
        adata,
        dataset=snakemake.wildcards.dataset,
        seed=seed,
        accelerator=params.accelerator,
        threads=snakemake.threads,
        labels=read_truth(given.truth, adata.obs_names)["cell_type"].to_numpy() if spec.uses_labels else None,
        gene_vectors={source: found for source, (found, _) in vectors.items() if found is not None},
        gene_reports={source: report for source, (_, report) in vectors.items()},
        checkpoint=Checkpoint(Path(params.checkpoint), key),
        pretrained=read_model(given.pretrained) if spec.pretrained else None,
    )
    write_run(result, dict(snakemake.output.items()))
