def one_of(names):
    """A wildcard constraint; of no names, one that nothing matches."""
    return "|".join(names) or "(?!)"


def local_files(wildcards):
    entry = CONFIG["datasets"][wildcards.dataset]
    return {key: entry[key] for key in ("path", "metadata") if key in entry}


rule simulate:
    output:
        raw=f"{RESULTS}/{{dataset}}/raw.h5ad",
    log:
        f"{LOGS}/{{dataset}}/simulate.log",
    benchmark:
        f"{RESULTS}/{{dataset}}/simulate.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(SIMULATED),
    params:
        settings=lambda wildcards: CONFIG["datasets"][wildcards.dataset]["simulate"],
        code=code_digest("simulate.py"),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
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
    params:
        settings=lambda wildcards: CONFIG["datasets"][wildcards.dataset],
        folder=lambda wildcards: f"{RESULTS}/{wildcards.dataset}/download",
        code=code_digest("fetch.py"),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
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
    params:
        settings=CONFIG["preprocessing"],
        code=code_digest("prepare.py"),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    script:
        "../workflow_scripts/prepare.py"
