rule simulate:
    output:
        raw=f"{RESULTS}/{{dataset}}/raw.h5ad",
    log:
        f"{LOGS}/{{dataset}}/simulate.log",
    benchmark:
        f"{RESULTS}/{{dataset}}/simulate.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(SIMULATED),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=lambda wildcards: CONFIG["datasets"][wildcards.dataset]["simulate"],
        code=code_digest("simulate.py"),
    message:
        "{wildcards.dataset}: simulate"
    script:
        "../workflow_scripts/simulate.py"


rule fetch:
    input:
        unpack(local_files),
    output:
        raw=f"{RESULTS}/{{dataset}}/raw.h5ad",
    log:
        f"{LOGS}/{{dataset}}/fetch.log",
    benchmark:
        f"{RESULTS}/{{dataset}}/fetch.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(FETCHED),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        settings=lambda wildcards: CONFIG["datasets"][wildcards.dataset],
        folder=lambda wildcards: f"{RESULTS}/{wildcards.dataset}/download",
        code=code_digest("fetch.py"),
    message:
        "{wildcards.dataset}: fetch"
    script:
        "../workflow_scripts/fetch.py"


rule prepare:
    input:
        raw=f"{RESULTS}/{{dataset}}/raw.h5ad",
    output:
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
        truth=f"{RESULTS}/{{dataset}}/truth.tsv.gz",
    log:
        f"{LOGS}/{{dataset}}/prepare.log",
    benchmark:
        f"{RESULTS}/{{dataset}}/prepare.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        settings=CONFIG["preprocessing"],
        code=code_digest("prepare.py"),
    message:
        "{wildcards.dataset}: prepare"
    script:
        "../workflow_scripts/prepare.py"
