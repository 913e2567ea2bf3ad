for id, method in METHODS.items():
    if id in EXTERNAL:
        continue

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
            mem_mb=asked_memory(method.mem_mb, CUDA_MB if REQUEST_GPU and method.gpu else 0),
            runtime=asked_minutes(method.runtime),
            gpu=method.gpu if REQUEST_GPU else 0,
        params:
            spec=method.spec,
            accelerator=ACCELERATOR,
            checkpoint=lambda wildcards, id=id: AT.run(wildcards.dataset, id, wildcards.seed, "checkpoint.pt"),
            code=lambda wildcards, module=method.module: method_digest(module),
        message:
            f"{{wildcards.dataset}}: {method.label}, seed {{wildcards.seed}}"
        script:
            "../workflow_scripts/integrate.py"


rule pretrain:
    input:
        lambda wildcards: [AT.data(name, "dataset.h5ad") for name in other_datasets(wildcards)],
    output:
        model=AT.pretraining("{dataset}", "model.pt"),
        history=AT.pretraining("{dataset}", "history.tsv"),
    log:
        AT.log("{dataset}", "pretrain"),
    benchmark:
        AT.pretraining("{dataset}", "benchmark.jsonl")
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * (1500 + 10 * int(input.size_mb)),
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=1 if REQUEST_GPU else 0,
    params:
        datasets=other_datasets,
        settings=CONFIG["pretraining"],
        accelerator=ACCELERATOR,
        checkpoint=lambda wildcards: AT.pretraining(wildcards.dataset, "checkpoint.pt"),
        code=code_of("pretrain.py"),
    message:
        "{wildcards.dataset}: pretrain a trunk on all other datasets"
    script:
        "../workflow_scripts/pretrain.py"


rule import_embedding:
    input:
        unpack(lambda wildcards: files_of(embeddings_of(wildcards)[wildcards.method])),
        raw=AT.data("{dataset}", "raw.h5ad"),
        dataset=AT.data("{dataset}", "dataset.h5ad"),
    output:
        embedding=AT.run(**RUN, name="embedding.h5ad"),
    log:
        AT.run_log(**RUN, step="integrate"),
    benchmark:
        AT.run(**RUN, name="import.benchmark.jsonl")
    wildcard_constraints:
        method=one_of(EXTERNAL),
    priority: 1  # a file that does not fit is reported before methods are trained
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=asked_memory(AMOUNTS["import_embedding"]["mem_mb"]),
        runtime=asked_minutes(AMOUNTS["import_embedding"]["runtime"]),
    params:
        obsm=lambda wildcards: embeddings_of(wildcards)[wildcards.method].get("obsm"),
        files=lambda wildcards: fingerprint(files_of(embeddings_of(wildcards)[wildcards.method]).values()),
        code=code_of("import_embedding.py"),
    message:
        "{wildcards.dataset}: import {wildcards.method}"
    script:
        "../workflow_scripts/import_embedding.py"
