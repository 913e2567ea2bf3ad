REPORT_METHODS = list(dict.fromkeys(run.method for run in PLAN if run.status == "planned"))
REPORT_LABELS = {id: METHODS[id].label for id in REPORT_METHODS}
REPORT_KINDS = {id: METHODS[id].kind for id in REPORT_METHODS}
FIGURES = f"{RESULTS}/figures"


def first_runs(dataset):
    """The run with the first seed of every method that runs on the data set."""
    runs = {run.method: run for run in reversed(PLAN) if run.dataset == dataset and run.status == "planned"}
    return [runs[id] for id in REPORT_METHODS if id in runs]


rule tables:
    input:
        summary=f"{RESULTS}/summary/summary.tsv",
    output:
        report(
            expand(f"{RESULTS}/tables/{{table}}.md", table=[*DATASETS, "overall"]),
            caption="../report/tables.rst",
            category="Tables",
        ),
        expand(f"{RESULTS}/tables/{{table}}.{{format}}", table=[*DATASETS, "overall"], format=["tsv", "tex"]),
    log:
        f"{LOGS}/tables.log",
    benchmark:
        f"{RESULTS}/summary/tables.benchmark.jsonl"
    params:
        folder=f"{RESULTS}/tables",
        labels=REPORT_LABELS,
        kinds=REPORT_KINDS,
        metrics=CONFIG["metrics"],
        code=code_digest("tables.py"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../workflow_scripts/tables.py"


rule table_figures:
    input:
        summary=f"{RESULTS}/summary/summary.tsv",
    output:
        report(
            expand(f"{FIGURES}/scores_{{table}}.svg", table=[*DATASETS, "overall"]),
            caption="../report/scores.rst",
            category="Scores",
        ),
        expand(f"{FIGURES}/scores_{{table}}.{{format}}", table=[*DATASETS, "overall"], format=["png", "tsv"]),
    log:
        f"{LOGS}/table_figures.log",
    benchmark:
        f"{RESULTS}/summary/table_figures.benchmark.jsonl"
    params:
        folder=FIGURES,
        labels=REPORT_LABELS,
        kinds=REPORT_KINDS,
        metrics=CONFIG["metrics"],
        code=code_digest("table_figures.py"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../workflow_scripts/table_figures.py"


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
        dataset=one_of(DATASETS),
    params:
        methods=lambda wildcards: [run.method for run in first_runs(wildcards.dataset)],
        labels=REPORT_LABELS,
        code=code_digest("umap_grid.py"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
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
    params:
        labels=REPORT_LABELS,
        code=code_digest("runtime_figure.py"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../workflow_scripts/runtime_figure.py"
