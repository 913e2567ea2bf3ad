def run_inputs(method):
    """Return the inputs: the dataset, and cell types and gene vectors only for methods that declare them."""
    files = {"dataset": AT.data("{dataset}", "dataset.h5ad")}
    files |= {source: AT.gene_knowledge("{dataset}", f"{source}.npz") for source in method.gene_vectors}
    return files | ({"truth": AT.data("{dataset}", "truth.tsv.gz")} if method.uses_labels else {})


for id, method in METHODS.items():

    rule:
        name:
            f"integrate_{id}"
        input:
            **run_inputs(method),
        output:
            **AT.run_files("{dataset}", id, "{seed}", trained=method.trained, tables=method.tables),
        log:
            AT.run_log("{dataset}", id, "{seed}", "integrate"),
        benchmark:
            AT.run("{dataset}", id, "{seed}", "benchmark.jsonl")
        conda:
            f"../envs/{method.env}.yaml"
        threads: method.threads
        resources:
            mem_mb=method.mem_mb,
            runtime=method.runtime,
            gpu=method.gpu if REQUEST_GPU else 0,
        params:
            spec=method.spec,
            accelerator=ACCELERATOR,
            checkpoint=lambda wildcards, id=id: AT.run(wildcards.dataset, id, wildcards.seed, "checkpoint.pt"),
            code=method_digest(method.module),
        message:
            f"{{wildcards.dataset}}: {method.label}, seed {{wildcards.seed}}"
        script:
            "../workflow_scripts/integrate.py"
