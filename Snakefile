from snakemake.utils import min_version

min_version("9.0")


report: "report/workflow.rst"


# The configuration is config/{config,datasets,methods}.yaml, read and checked in rules/common.smk;
# --configfile mine.yaml and --config add to it or override it.
include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/gene_knowledge.smk"
include: "rules/integrate.smk"
include: "rules/evaluate.smk"
include: "rules/analyses.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        of_all_runs("embedding.h5ad"),  # named here, so that one that was deleted is made again
        rules.summarise.output,
        rules.score_tables.output,
        rules.score_figures.output,
        rules.runtime_figure.output,
        expand(rules.umap_grid.output, dataset=SHOWN_DATASETS),
        [analysis_results(id) for id, analysis in ANALYSES.items() if analysis.by_default],
    message:
        "Benchmark complete"


onstart:
    write_config(AT.config, CONFIG)


onsuccess:
    record_coverage(PLAN, AT)
    print(closing_words(AT))


onerror:
    record_coverage(PLAN, AT)
    print(closing_words(AT))
