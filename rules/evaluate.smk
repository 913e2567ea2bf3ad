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
    params:
        metrics={group: CONFIG["metrics"][group] for group in ("bio", "batch", "extra")},
        cache=f"{RESULTS}/.cache/jax",
        code=code_digest("score.py"),
    conda:
        "../envs/score.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    script:
        "../workflow_scripts/score.py"


rule summarise:
    input:
        scores=collect(
            f"{RESULTS}/{{run.dataset}}/{{run.method}}/seed{{run.seed}}/scores.tsv",
            run=lookup("status == 'planned'", within=RUNS),
        ),
        benchmarks=collect(
            f"{RESULTS}/{{run.dataset}}/{{run.method}}/seed{{run.seed}}/benchmark.jsonl",
            run=lookup("status == 'planned'", within=RUNS),
        ),
    output:
        scores=f"{RESULTS}/summary/scores.tsv",
        summary=f"{RESULTS}/summary/summary.tsv",
        coverage=COVERAGE,
        resources=f"{RESULTS}/summary/resources.tsv",
    log:
        f"{LOGS}/summarise.log",
    benchmark:
        f"{RESULTS}/summary/summarise.benchmark.jsonl"
    params:
        runs=RUNS.to_dict("records"),
        results=RESULTS,
        kinds={run.method: METHODS[run.method].kind for run in PLAN},
        weights=CONFIG["metrics"]["weights"],
        code=code_digest("summarise.py"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../workflow_scripts/summarise.py"


def finished_runs(wildcards):
    """When the scores of each run were written; a parameter, because as inputs outdated runs would be run again."""
    files = [run.folder(RESULTS) / "scores.tsv" for run in PLAN]
    return {str(file): file.stat().st_mtime for file in files if file.exists()}


use rule summarise as summarise_partial with:
    input:
        [],
    output:
        scores=f"{RESULTS}/partial/scores.tsv",
        summary=f"{RESULTS}/partial/summary.tsv",
        coverage=f"{RESULTS}/partial/coverage.tsv",
        resources=f"{RESULTS}/partial/resources.tsv",
    log:
        f"{LOGS}/summarise_partial.log",
    benchmark:
        f"{RESULTS}/partial/summarise.benchmark.jsonl"
    params:
        runs=RUNS.to_dict("records"),
        results=RESULTS,
        kinds={run.method: METHODS[run.method].kind for run in PLAN},
        weights=CONFIG["metrics"]["weights"],
        code=code_digest("summarise.py"),
        finished=finished_runs,
