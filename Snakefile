from snakemake.utils import min_version

min_version("9.0")


# The configuration is config/{config,datasets,methods}.yaml, read and checked in rules/common.smk;
# --configfile mine.yaml and --config add to it or override it.
include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/gene_knowledge.smk"
include: "rules/integrate.smk"
include: "rules/evaluate.smk"
include: "rules/gene_transformer.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        of_planned_runs("embedding.h5ad"),  # named here, so that one that was deleted is made again
        rules.summarise.output,
        rules.score_tables.output,
        rules.score_figures.output,
        rules.runtime_figure.output,
        expand(rules.umap_grid.output, dataset=REPORT_DATASETS),
        rules.self_training_figure.output if SELF_TRAINED else [],
        [run.folder(RESULTS) / name for run in DISENTANGLED for name in ("disentanglement.svg", "downstream.tsv")],
    message:
        "everything is there"


# Summarise whatever exists, without running anything else: for a benchmark that is still running or has failed runs.
rule partial:
    input:
        rules.summarise_partial.output,
    message:
        f"what exists is summarised in {RESULTS}/partial"


# Arrays and plots of every run, for people who work outside the workflow: snakemake exports
rule exports:
    input:
        [of_planned_runs(name) for name in EXPORTS],
    message:
        "every run has its arrays and plots"


# The annotation task of the gene Transformer: cell types of batches that were held out
rule annotation:
    input:
        rules.annotation_table.output,
    message:
        f"the table is {RESULTS}/tables/annotation.md"


# Which genes attend to which in each cell type, of the gene Transformer's runs
rule attention:
    input:
        [f"{FIGURES}/attention_{run.dataset}_{run.method}_seed{run.seed}.svg" for run in TRANSFORMER_RUNS],
    message:
        f"the figures are in {FIGURES}"


onsuccess:
    print(closing_words())


onerror:
    record_failure()
    print(closing_words())
