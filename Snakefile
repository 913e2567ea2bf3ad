from snakemake.utils import min_version

min_version("9.0")


report: "report/workflow.rst"


include: "rules/repairs.smk"
# rules/common.smk reads and validates config/{config,datasets,methods}.yaml; --configfile mine.yaml and --config add to
# these values or override them.
include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/gene_knowledge.smk"
include: "rules/integrate.smk"
include: "rules/evaluate.smk"
include: "rules/analyses.smk"
include: "rules/figures.smk"
include: "rules/tables.smk"
include: "rules/report.smk"
include: "rules/paper.smk"


rule all:
    default_target: True
    input:
        files_of_runs(),  # listed explicitly, so that files that were deleted or set aside are made again
        rules.summarise.output,
        rules.score_tables.output,
        rules.score_figures.output,
        rules.runtime_figure.output,
        rules.dataset_table.output,
        rules.calibration_table.output if NULL_SPLITS else [],
        expand(rules.ablation_figure.output, module=ABLATIONS),
        [figure_files(id) for id, drawing in FIGURES.items() if drawing.by_default],
        expand(rules.projection_grid.output, dataset=SHOWN_DATASETS),
        rules.report_page.output,
        [analysis_results(id) for id, analysis in ANALYSES.items() if analysis.by_default],
    message:
        "Benchmark complete"


onstart:
    begin()


onsuccess:
    words, n_broken = end(PLAN, AT, complete=True, logs=log)
    print(words)
    if n_broken:
        raise WorkflowError(f"{n_broken} broken files were set aside; start again to make them again")


onerror:
    print(end(fitting(PLAN), AT, complete=False, logs=log)[0])
