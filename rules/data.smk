rule simulate:
    output:
        raw=AT.data("{dataset}", "raw.h5ad"),
    log:
        AT.log("{dataset}", "simulate"),
    benchmark:
        AT.data("{dataset}", "simulate.benchmark.jsonl")
    wildcard_constraints:
        dataset=one_of(SIMULATED),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * simulation_mb(DATASETS[wildcards.dataset]["simulate"]),
        runtime=lambda wildcards, attempt: attempt * 30,
    params:
        settings=lambda wildcards: DATASETS[wildcards.dataset]["simulate"],
        columns=lambda wildcards: columns_of(DATASETS[wildcards.dataset]),
        code=code_of("simulate.py"),
    message:
        "{wildcards.dataset}: simulate"
    script:
        "../workflow_scripts/simulate.py"


rule fetch:
    input:
        unpack(lambda wildcards: local_files(DATASETS[wildcards.dataset])),
    output:
        raw=AT.data("{dataset}", "raw.h5ad"),
    log:
        AT.log("{dataset}", "fetch"),
    benchmark:
        AT.data("{dataset}", "fetch.benchmark.jsonl")
    wildcard_constraints:
        dataset=one_of(FETCHED),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 8000,
        runtime=lambda wildcards, attempt: attempt * 120,
    params:
        settings=lambda wildcards: source_of(DATASETS[wildcards.dataset]),
        folder=lambda wildcards: AT.data(wildcards.dataset, "download"),
        lock="config/downloads.lock",
        files=lambda wildcards: fingerprint(local_files(DATASETS[wildcards.dataset]).values()),
        code=code_of("fetch.py"),
    message:
        "{wildcards.dataset}: fetch"
    script:
        "../workflow_scripts/fetch.py"


rule prepare:
    input:
        raw=AT.data("{dataset}", "raw.h5ad"),
    output:
        dataset=AT.data("{dataset}", "dataset.h5ad"),
        truth=AT.data("{dataset}", "truth.tsv.gz"),
        report=AT.data("{dataset}", "data_report.json"),
        size=AT.data("{dataset}", "size.json"),
    log:
        AT.log("{dataset}", "prepare"),
    benchmark:
        AT.data("{dataset}", "prepare.benchmark.jsonl")
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * preparation_mb(input.size_mb),
        runtime=lambda wildcards, attempt: attempt * 60,
    params:
        settings=CONFIG["preprocessing"],
        selection=lambda wildcards: selection_of(DATASETS[wildcards.dataset]),
        code=code_of("prepare.py"),
    message:
        "{wildcards.dataset}: prepare"
    script:
        "../workflow_scripts/prepare.py"
