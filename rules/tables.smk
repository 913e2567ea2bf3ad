rule score_tables:
    input:
        summary=rules.summarise.output.summary,
        overall=rules.summarise.output.overall,
        rank_tests=rules.summarise.output.rank_tests,
        sensitivity=rules.summarise.output.sensitivity,
    output:
        md=[reported(AT.table(f"{name}.md"), "tables", "Scores", table=name) for name in TABLES],
        tsv=[AT.table(f"{name}.tsv") for name in TABLES],
        tex=[AT.table(f"{name}.tex") for name in TABLES],
        ranking_md=reported(AT.table("ranking.md"), "ranking", "Ranking", table="ranking"),
        ranking_tsv=AT.table("ranking.tsv"),
        ranking_tex=AT.table("ranking.tex"),
    log:
        AT.log("score_tables"),
    benchmark:
        AT.summary("score_tables.benchmark.jsonl")
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        tables=TABLES,
        labels=LABELS,
        kinds=KINDS,
        metrics=METRICS,
        code=code_of("score_tables.py"),
    message:
        "score tables"
    script:
        "../workflow_scripts/score_tables.py"


rule dataset_table:
    input:
        dataset=[AT.data(name, "dataset.h5ad") for name in SHOWN_DATASETS],
        truth=[AT.data(name, "truth.tsv.gz") for name in SHOWN_DATASETS],
        report=[AT.data(name, "data_report.json") for name in SHOWN_DATASETS],
    output:
        md=reported(AT.table("datasets.md"), "datasets", "Datasets", table="datasets"),
        tsv=AT.table("datasets.tsv"),
        tex=AT.table("datasets.tex"),
    log:
        AT.log("dataset_table"),
    benchmark:
        AT.summary("dataset_table.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        datasets=SHOWN_DATASETS,
        code=code_of("dataset_table.py"),
    message:
        "table of the datasets"
    script:
        "../workflow_scripts/dataset_table.py"


rule calibration_table:
    input:
        summary=rules.summarise.output.summary,
    output:
        md=reported(AT.table("calibration.md"), "calibration", "Scores", table="calibration"),
        tsv=AT.table("calibration.tsv"),
        tex=AT.table("calibration.tex"),
    log:
        AT.log("calibration_table"),
    benchmark:
        AT.summary("calibration_table.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        labels=LABELS,
        kinds=KINDS,
        code=code_of("calibration_table.py"),
    message:
        "table of calibration"
    script:
        "../workflow_scripts/calibration_table.py"
