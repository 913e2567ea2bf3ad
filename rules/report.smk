rule score_tables:
    input:
        summary=f"{RESULTS}/summary/summary.tsv",
        overall=f"{RESULTS}/summary/overall.tsv",
        tests=f"{RESULTS}/summary/rank_tests.tsv",
        sensitivity=f"{RESULTS}/summary/sensitivity.tsv",
    output:
        report(
            expand(f"{RESULTS}/tables/{{table}}.md", table=[*REPORT_DATASETS, "overall"]),
            caption="../report/tables.rst",
            category="Tables",
        ),
        report(f"{RESULTS}/tables/ranking.md", caption="../report/ranking.rst", category="Ranking"),
        expand(
            f"{RESULTS}/tables/{{table}}.{{format}}",
            table=[*REPORT_DATASETS, "overall", "ranking"],
            format=["tsv", "tex"],
        ),
    log:
        f"{LOGS}/score_tables.log",
    benchmark:
        f"{RESULTS}/summary/score_tables.benchmark.jsonl"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folder=lambda wildcards, output: str(Path(output[0]).parent),
        labels=REPORT_LABELS,
        kinds=REPORT_KINDS,
        metrics=METRICS,
        code=code_digest("score_tables.py"),
    message:
        "tables of the scores"
    script:
        "../workflow_scripts/score_tables.py"


rule score_figures:
    input:
        summary=f"{RESULTS}/summary/summary.tsv",
        overall=f"{RESULTS}/summary/overall.tsv",
        tests=f"{RESULTS}/summary/rank_tests.tsv",
    output:
        report(
            expand(f"{FIGURES}/scores_{{table}}.svg", table=[*REPORT_DATASETS, "overall"]),
            caption="../report/scores.rst",
            category="Scores",
        ),
        expand(f"{FIGURES}/scores_{{table}}.{{format}}", table=[*REPORT_DATASETS, "overall"], format=["png", "tsv"]),
        report(f"{FIGURES}/ranking.svg", caption="../report/ranking.rst", category="Ranking"),
        expand(f"{FIGURES}/ranking.{{format}}", format=["png", "tsv"]),
    log:
        f"{LOGS}/score_figures.log",
    benchmark:
        f"{RESULTS}/summary/score_figures.benchmark.jsonl"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folder=lambda wildcards, output: str(Path(output[0]).parent),
        labels=REPORT_LABELS,
        kinds=REPORT_KINDS,
        metrics=METRICS,
        code=code_digest("score_figures.py"),
    message:
        "figures of the scores"
    script:
        "../workflow_scripts/score_figures.py"


rule umap_grid:
    input:
        embeddings=lambda wildcards: [run.folder(RESULTS) / "embedding.h5ad" for run in first_runs(wildcards.dataset)],
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
        truth=f"{RESULTS}/{{dataset}}/truth.tsv.gz",
    output:
        svg=report(f"{FIGURES}/umap_{{dataset}}.svg", caption="../report/umap.rst", category="UMAP"),
        png=f"{FIGURES}/umap_{{dataset}}.png",
        tsv=f"{FIGURES}/umap_{{dataset}}.tsv",
    log:
        f"{LOGS}/{{dataset}}/umap_grid.log",
    benchmark:
        f"{RESULTS}/{{dataset}}/umap_grid.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(REPORT_DATASETS),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        methods=lambda wildcards: [run.method for run in first_runs(wildcards.dataset)],
        labels=REPORT_LABELS,
        code=code_digest("umap_grid.py"),
    message:
        "{wildcards.dataset}: UMAP of every method"
    script:
        "../workflow_scripts/umap_grid.py"


rule runtime_figure:
    input:
        resources=f"{RESULTS}/summary/resources.tsv",
    output:
        svg=report(f"{FIGURES}/runtime.svg", caption="../report/runtime.rst", category="Run time"),
        png=f"{FIGURES}/runtime.png",
        tsv=f"{FIGURES}/runtime.tsv",
    log:
        f"{LOGS}/runtime_figure.log",
    benchmark:
        f"{RESULTS}/summary/runtime_figure.benchmark.jsonl"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        labels=REPORT_LABELS,
        code=code_digest("runtime_figure.py"),
    message:
        "figure of run time and memory"
    script:
        "../workflow_scripts/runtime_figure.py"


rule export_run:
    input:
        truth=f"{RESULTS}/{{dataset}}/truth.tsv.gz",
        embedding=f"{RUN}/embedding.h5ad",
        history=lambda wildcards: f"{RUN}/history.tsv" if METHODS[wildcards.method].trained else [],
    output:
        [f"{RUN}/{name}" for name in EXPORTS],
    log:
        f"{LOGS}/{{dataset}}/{{method}}/seed{{seed}}/export_run.log",
    benchmark:
        f"{RUN}/export_run.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        method=one_of(METHODS),
        seed=r"\d+",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_digest("export_run.py"),
    message:
        "{wildcards.dataset}: arrays and plots of {wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/export_run.py"


rule self_training_figure:
    input:
        histories=[run.folder(RESULTS) / "history.tsv" for run in SELF_TRAINED],
    output:
        svg=report(f"{FIGURES}/self_training.svg", caption="../report/self_training.rst", category="Self-training"),
        png=f"{FIGURES}/self_training.png",
        tsv=f"{FIGURES}/self_training.tsv",
    log:
        f"{LOGS}/self_training_figure.log",
    benchmark:
        f"{RESULTS}/summary/self_training_figure.benchmark.jsonl"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        runs=[{"dataset": run.dataset, "method": run.method, "seed": run.seed} for run in SELF_TRAINED],
        labels=REPORT_LABELS,
        code=code_digest("self_training_figure.py"),
    message:
        "figure of the rounds of self-training"
    script:
        "../workflow_scripts/self_training_figure.py"


rule disentanglement:
    input:
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
        truth=f"{RESULTS}/{{dataset}}/truth.tsv.gz",
        embedding=f"{RUN}/embedding.h5ad",
        model=f"{RUN}/model.pt",
    output:
        svg=report(f"{RUN}/disentanglement.svg", caption="../report/disentanglement.rst", category="Disentanglement"),
        png=f"{RUN}/disentanglement.png",
        tsv=f"{RUN}/disentanglement.tsv",
        downstream=f"{RUN}/downstream.tsv",
    log:
        f"{LOGS}/{{dataset}}/{{method}}/seed{{seed}}/disentanglement.log",
    benchmark:
        f"{RUN}/disentanglement.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        method=one_of({run.method for run in DISENTANGLED}),
        seed=r"\d+",
    conda:
        "../envs/evidence.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        title=lambda wildcards: f"{wildcards.dataset}: {METHODS[wildcards.method].label}, seed {wildcards.seed}",
        code=code_digest("disentanglement.py"),
    message:
        "{wildcards.dataset}: evidence of disentanglement of {wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/disentanglement.py"
