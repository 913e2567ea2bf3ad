rule score:
    input:
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
        truth=f"{RESULTS}/{{dataset}}/truth.tsv.gz",
        embedding=f"{RUN}/embedding.h5ad",
    output:
        scores=f"{RUN}/scores.tsv",
    log:
        f"{LOGS}/{{dataset}}/{{method}}/seed{{seed}}/score.log",
    benchmark:
        f"{RUN}/score.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        method=one_of(METHODS),
        seed=r"\d+",
    conda:
        "../envs/score.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        metrics=METRICS,
        code=code_digest("score.py"),
    message:
        "{wildcards.dataset}: score {wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/score.py"


rule summarise:
    input:
        scores=of_planned_runs("scores.tsv"),
        benchmarks=of_planned_runs("benchmark.jsonl"),
    output:
        scores=f"{RESULTS}/summary/scores.tsv",
        summary=f"{RESULTS}/summary/summary.tsv",
        overall=f"{RESULTS}/summary/overall.tsv",
        tests=f"{RESULTS}/summary/rank_tests.tsv",
        sensitivity=f"{RESULTS}/summary/sensitivity.tsv",
        coverage=COVERAGE,
        resources=f"{RESULTS}/summary/resources.tsv",
    log:
        f"{LOGS}/summarise.log",
    benchmark:
        f"{RESULTS}/summary/summarise.benchmark.jsonl"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        **SUMMARY_PARAMS,
        failures=number_of_failures(),
    message:
        "summary of all scores"
    script:
        "../workflow_scripts/summarise.py"


use rule summarise as summarise_partial with:
    input:
        [],
    output:
        scores=f"{RESULTS}/partial/scores.tsv",
        summary=f"{RESULTS}/partial/summary.tsv",
        overall=f"{RESULTS}/partial/overall.tsv",
        tests=f"{RESULTS}/partial/rank_tests.tsv",
        sensitivity=f"{RESULTS}/partial/sensitivity.tsv",
        coverage=f"{RESULTS}/partial/coverage.tsv",
        resources=f"{RESULTS}/partial/resources.tsv",
    log:
        f"{LOGS}/summarise_partial.log",
    benchmark:
        f"{RESULTS}/partial/summarise.benchmark.jsonl"
    params:
        **SUMMARY_PARAMS,
        finished=finished_runs,
