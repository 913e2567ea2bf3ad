rule annotate:
    input:
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
        truth=f"{RESULTS}/{{dataset}}/truth.tsv.gz",
        model=f"{RUN}/model.pt",
    output:
        table=f"{RUN}/annotation.tsv",
    log:
        f"{LOGS}/{{dataset}}/{{method}}/seed{{seed}}/annotate.log",
    benchmark:
        f"{RUN}/annotate.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        method=one_of(TRANSFORMERS),
        seed=r"\d+",
    conda:
        "../envs/knowledge.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_digest("annotate.py"),
    message:
        "{wildcards.dataset}: cell types of held-out batches by {wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/annotate.py"


rule annotation_table:
    input:
        tables=[run.folder(RESULTS) / "annotation.tsv" for run in TRANSFORMER_RUNS],
    output:
        md=f"{RESULTS}/tables/annotation.md",
        tsv=f"{RESULTS}/tables/annotation.tsv",
    log:
        f"{LOGS}/annotation_table.log",
    benchmark:
        f"{RESULTS}/summary/annotation_table.benchmark.jsonl"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        runs=[{"dataset": run.dataset, "method": run.method, "seed": run.seed} for run in TRANSFORMER_RUNS],
        code=code_digest("annotation_table.py"),
    message:
        "table of the annotation task"
    script:
        "../workflow_scripts/annotation_table.py"


rule attention_pairs:
    input:
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
        truth=f"{RESULTS}/{{dataset}}/truth.tsv.gz",
        model=f"{RUN}/model.pt",
    output:
        table=f"{RUN}/attention_pairs.tsv",
    log:
        f"{LOGS}/{{dataset}}/{{method}}/seed{{seed}}/attention_pairs.log",
    benchmark:
        f"{RUN}/attention_pairs.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        method=one_of(TRANSFORMERS),
        seed=r"\d+",
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        code=code_digest("attention_pairs.py"),
    message:
        "{wildcards.dataset}: genes that attend to each other, {wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/attention_pairs.py"


rule attention_figure:
    input:
        table=f"{RUN}/attention_pairs.tsv",
    output:
        svg=f"{FIGURES}/attention_{{dataset}}_{{method}}_seed{{seed}}.svg",
        png=f"{FIGURES}/attention_{{dataset}}_{{method}}_seed{{seed}}.png",
        tsv=f"{FIGURES}/attention_{{dataset}}_{{method}}_seed{{seed}}.tsv",
    log:
        f"{LOGS}/{{dataset}}/{{method}}/seed{{seed}}/attention_figure.log",
    benchmark:
        f"{RUN}/attention_figure.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        method=one_of(TRANSFORMERS),
        seed=r"\d+",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_digest("attention_figure.py"),
    message:
        "{wildcards.dataset}: figure of genes that attend to each other, {wildcards.method}"
    script:
        "../workflow_scripts/attention_figure.py"
