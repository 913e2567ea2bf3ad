rule score:
    input:
        dataset=AT.data("{dataset}", "dataset.h5ad"),
        truth=AT.data("{dataset}", "truth.tsv.gz"),
        embedding=AT.run(**RUN, name="embedding.h5ad"),
    output:
        scores=AT.run(**RUN, name="scores.tsv"),
        levels=AT.run(**RUN, name="levels.tsv"),
        by_type=AT.run(**RUN, name="by_type.tsv"),
    log:
        AT.run_log(**RUN, step="score"),
    benchmark:
        AT.run(**RUN, name="score.benchmark.jsonl")
    conda:
        "../envs/score.yaml"
    threads: 1
    resources:
        mem_mb=asked_memory(AMOUNTS["score"]["mem_mb"]),
        runtime=asked_minutes(AMOUNTS["score"]["runtime"]),
    params:
        metrics=SCORED,
        backend=CONFIG["metrics"]["backend"],
        code=code_of("score.py", *sorted({METRIC_CATALOGUE[name].function for name in sum(SCORED.values(), [])})),
    message:
        "{wildcards.dataset}: scores of {wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/score.py"


MADE_HERE = [run for run in RUNS if run.method not in EXTERNAL]  # the others have no run time


rule summarise:
    input:
        scores=of_all_runs("scores.tsv"),
        levels=of_all_runs("levels.tsv"),
        by_type=of_all_runs("by_type.tsv"),
        benchmarks=[AT.run(run.dataset, run.method, run.seed, "benchmark.jsonl") for run in MADE_HERE],
    output:
        scores=AT.summary("scores.tsv"),
        summary=AT.summary("summary.tsv"),
        overall=AT.summary("overall.tsv"),
        rank_tests=AT.summary("rank_tests.tsv"),
        sensitivity=AT.summary("sensitivity.tsv"),
        levels=AT.summary("levels.tsv"),
        by_type=AT.summary("by_type.tsv"),
        resources=AT.summary("resources.tsv"),
    log:
        AT.log("summarise"),
    benchmark:
        AT.summary("summarise.benchmark.jsonl")
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        all_runs=[(run.dataset, run.method, run.seed) for run in RUNS],
        runs=[(run.dataset, run.method, run.seed) for run in MADE_HERE],
        metrics=sum(SCORED.values(), []),
        kinds=KINDS,
        weights=CONFIG["metrics"]["weights"],
        scaling=CONFIG["metrics"]["scaling"],
        robust=robust_metrics(CONFIG["metrics"]),
        code=code_of("summarise.py"),
    message:
        "summary of all scores"
    script:
        "../workflow_scripts/summarise.py"


rule cell_scores_run:
    input:
        dataset=AT.data("{dataset}", "dataset.h5ad"),
        truth=AT.data("{dataset}", "truth.tsv.gz"),
        embedding=AT.run(**RUN, name="embedding.h5ad"),
    output:
        cells=AT.run(**RUN, name="cell_scores.h5ad"),
    log:
        AT.run_log(**RUN, step="cell_scores"),
    benchmark:
        AT.run(**RUN, name="cell_scores.benchmark.jsonl")
    conda:
        "../envs/score.yaml"
    threads: 1
    resources:
        mem_mb=asked_memory(AMOUNTS["cell_scores"]["mem_mb"]),
        runtime=asked_minutes(AMOUNTS["cell_scores"]["runtime"]),
    params:
        code=code_of("cell_scores.py"),
    message:
        "{wildcards.dataset}: scores of the cells of {wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/cell_scores.py"


# LISI and purity of every cell of every run, for colouring a UMAP: snakemake cell_scores
rule cell_scores:
    input:
        of_all_runs("cell_scores.h5ad"),
    message:
        "scores of the cells of all runs complete"
