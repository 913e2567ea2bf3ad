rule score_figures:
    input:
        summary=rules.summarise.output.summary,
        overall=rules.summarise.output.overall,
        rank_tests=rules.summarise.output.rank_tests,
    output:
        svg=[reported(AT.figure(f"scores_{name}.svg"), "scores", "Scores", figure=name) for name in TABLES],
        png=[AT.figure(f"scores_{name}.png") for name in TABLES],
        pdf=[AT.figure(f"scores_{name}.pdf") for name in TABLES],
        tsv=[AT.figure(f"scores_{name}.tsv") for name in TABLES],
        ranking_svg=reported(AT.figure("ranking.svg"), "ranking", "Ranking", figure="ranking"),
        ranking_png=AT.figure("ranking.png"),
        ranking_pdf=AT.figure("ranking.pdf"),
        ranking_tsv=AT.figure("ranking.tsv"),
    log:
        AT.log("score_figures"),
    benchmark:
        AT.summary("score_figures.benchmark.jsonl")
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        tables=TABLES,
        labels={id: LABELS[id] for id in COMPARED},
        kinds={id: KINDS[id] for id in COMPARED},
        metrics=METRICS,
        code=code_of("score_figures.py"),
    message:
        "score figures"
    script:
        "../workflow_scripts/score_figures.py"


rule project:
    input:
        truth=AT.data("{dataset}", "truth.tsv.gz"),
        embedding=AT.run(**RUN, name="embedding.h5ad"),
    output:
        projection=AT.run(**RUN, name=f"{PROJECTION}.tsv.gz"),
    log:
        AT.run_log(**RUN, step="project"),
    benchmark:
        AT.run(**RUN, name="project.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=asked_memory(AMOUNTS["project"]["mem_mb"]),
        runtime=asked_minutes(AMOUNTS["project"]["runtime"]),
    params:
        projection=PROJECTION,
        code=code_of("project.py"),
    message:
        f"{{wildcards.dataset}}: {PROJECTION} of {{wildcards.method}}, seed {{wildcards.seed}}"
    script:
        "../workflow_scripts/project.py"


rule projection_grid:
    input:
        projections=lambda wildcards: [
            AT.run(run.dataset, run.method, run.seed, f"{PROJECTION}.tsv.gz") for run in first_runs(wildcards.dataset)
        ],
        truth=AT.data("{dataset}", "truth.tsv.gz"),
    output:
        svg=reported(AT.figure(f"{PROJECTION}_{{dataset}}.svg"), "projection", "Projections", dataset="{dataset}"),
        png=AT.figure(f"{PROJECTION}_{{dataset}}.png"),
        pdf=AT.figure(f"{PROJECTION}_{{dataset}}.pdf"),
        tsv=AT.figure(f"{PROJECTION}_{{dataset}}.tsv"),
    log:
        AT.log("{dataset}", "projection_grid"),
    benchmark:
        AT.data("{dataset}", "projection_grid.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        methods=lambda wildcards: [run.method for run in first_runs(wildcards.dataset)],
        labels=LABELS,
        code=code_of("projection_grid.py"),
    message:
        f"{{wildcards.dataset}}: {PROJECTION} of all methods"
    script:
        "../workflow_scripts/projection_grid.py"


rule runtime_figure:
    input:
        resources=rules.summarise.output.resources,
    output:
        svg=reported(AT.figure("runtime.svg"), "runtime", "Run time", figure="run time and memory"),
        png=AT.figure("runtime.png"),
        pdf=AT.figure("runtime.pdf"),
        tsv=AT.figure("runtime.tsv"),
    log:
        AT.log("runtime_figure"),
    benchmark:
        AT.summary("runtime_figure.benchmark.jsonl")
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        labels=LABELS,
        code=code_of("runtime_figure.py"),
    message:
        "run time and memory figure"
    script:
        "../workflow_scripts/runtime_figure.py"


for id, drawing in FIGURES.items():

    rule:
        name:
            f"draw_{id}"
        input:
            **figure_tables(id),
        output:
            svg=reported(AT.figure(f"{id}.svg"), id, drawing.category, figure=drawing.title),
            png=AT.figure(f"{id}.png"),
            pdf=AT.figure(f"{id}.pdf"),
            tsv=AT.figure(f"{id}.tsv"),
        log:
            AT.log(f"draw_{id}"),
        benchmark:
            AT.summary(f"draw_{id}.benchmark.jsonl")
        localrule: True
        conda:
            "../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            figure=id,
            labels={id: LABELS[id] for id in COMPARED},
            code=code_of("draw.py", f"scbench.report.{id}"),
        message:
            f"figure: {drawing.title}"
        script:
            "../workflow_scripts/draw.py"


rule report_page:
    input:
        **{name: rules.summarise.output[name] for name in ("scores", "overall", "rank_tests", "resources", "by_type")},
        projections=of_all_runs(f"{PROJECTION}.tsv.gz"),
        data_reports=[AT.data(name, "data_report.json") for name in SHOWN_DATASETS],
        citations=ROOT / "config" / "citations.bib",
    output:
        page=reported(AT.page, "page", "Result page", page="result page"),
    log:
        AT.log("report_page"),
    benchmark:
        AT.summary("report_page.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        results=lambda wildcards, output: str(Path(output.page).parent),
        config=CONFIG,
        robust=robust_metrics(CONFIG["metrics"]),
        methods={run.method: METHODS[run.method].shown | {"kind": ALL_KINDS[run.method]} for run in PLAN},
        runs=[(run.dataset, run.method, run.seed, run.status, run.reason) for run in PLAN],
        code=code_of("report_page.py"),
        assets=files_digest(*PAGE_ASSETS),
    message:
        "result page"
    script:
        "../workflow_scripts/report_page.py"


rule ablation_figure:
    input:
        **({"disentanglement": AT.table("disentanglement.tsv")} if analysed("disentanglement") else {}),
        summary=rules.summarise.output.summary,
    output:
        svg=reported(AT.figure("ablation_{module}.svg"), "ablation", "Ablation", method="{module}"),
        png=AT.figure("ablation_{module}.png"),
        pdf=AT.figure("ablation_{module}.pdf"),
        tsv=AT.figure("ablation_{module}.tsv"),
    log:
        AT.log("ablation_{module}"),
    benchmark:
        AT.summary("ablation_{module}.benchmark.jsonl")
    wildcard_constraints:
        module=one_of(ABLATIONS),
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        methods=lambda wildcards: ABLATIONS[wildcards.module],
        labels=LABELS,
        code=code_of("ablation_figure.py"),
    message:
        "figure: ablation of {wildcards.module}"
    script:
        "../workflow_scripts/ablation_figure.py"


rule export_run:
    input:
        truth=AT.data("{dataset}", "truth.tsv.gz"),
        embedding=AT.run(**RUN, name="embedding.h5ad"),
        history=lambda wildcards: AT.run(**wildcards, name="history.tsv") if METHODS[wildcards.method].trained else [],
    output:
        [AT.run(**RUN, name=name) for name in EXPORTS],
    log:
        AT.run_log(**RUN, step="export_run"),
    benchmark:
        AT.run(**RUN, name="export_run.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=asked_memory(AMOUNTS["export_run"]["mem_mb"]),
        runtime=asked_minutes(AMOUNTS["export_run"]["runtime"]),
    params:
        code=code_of("export_run.py"),
    message:
        "{wildcards.dataset}: arrays and plots of {wildcards.method}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/export_run.py"


# Arrays and plots of every run for use outside the workflow: snakemake exports
rule exports:
    input:
        [of_all_runs(name) for name in EXPORTS],
    message:
        "arrays and plots of all runs complete"
