"""Run one method with one seed on one data set: dataset.h5ad -> embedding.h5ad, history.tsv, model.pt."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    from dataclasses import replace
    from pathlib import Path

    from scbench.files import (
        method_input,
        read_dataset,
        read_gene_vectors,
        read_truth,
        write_embedding,
        write_model,
        write_table,
    )
    from scbench.provenance import PACKAGES_OF_METHODS, checkpoint_name, package_versions
    from scbench.runner import choose_device, run_method

    spec, output = snakemake.params.spec, snakemake.output
    seed = int(snakemake.wildcards.seed)
    adata = read_dataset(snakemake.input.dataset)
    labels = read_truth(snakemake.input.truth, adata.obs_names)["cell_type"].to_numpy() if spec["uses_labels"] else None
    data = method_input(adata, snakemake.wildcards.dataset, spec["input"], labels)
    device = choose_device(snakemake.params.accelerator, wants_gpu=spec["gpu"] > 0)
    folder = Path(output.embedding).parent
    files = {source: snakemake.input[source] for source in spec["gene_vectors"]}
    found = {source: read_gene_vectors(path, adata.var_names) for source, path in files.items()}
    vectors = {source: vectors for source, (vectors, _) in found.items() if vectors is not None}
    name = checkpoint_name(snakemake.input.dataset, snakemake.params.code, spec["params"], seed, *files.values())
    data = replace(data, checkpoint=folder / name, gene_vectors=vectors)
    embedding = run_method(
        spec["module"], data, seed=seed, device=device, threads=snakemake.threads, params=spec["params"]
    )
    record = {
        "method": spec["id"],
        "seed": seed,
        "parameters": spec["params"],
        "device": device,
        "code_digest": snakemake.params.code,
        "versions": package_versions(*PACKAGES_OF_METHODS),
    }
    if files:
        record["gene_vectors"] = {source: report for source, (_, report) in found.items()}
    if spec["trained"]:
        write_table(output.history, embedding.history)
        write_model(output.model, embedding.model)
    write_embedding(output.embedding, embedding, adata.obs_names, record)
    for checkpoint in folder.glob("checkpoint-*.pt"):
        checkpoint.unlink()
