from snakemake.utils import min_version

min_version("9.0")


# The configuration is config/{config,datasets,methods}.yaml, read and checked in rules/common.smk;
# --configfile mine.yaml and --config add to it or override it.
include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/integrate.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        rules.summarise.output,
        rules.tables.output,
        rules.table_figures.output,
        rules.runtime_figure.output,
        expand(rules.umap_grid.output, dataset=DATASETS),


# Summarise whatever exists, without running anything else: for a benchmark that is still running or has failed runs.
rule partial:
    input:
        rules.summarise_partial.output,


onsuccess:
    print(closing_words())


onerror:
    write_coverage()
    print(closing_words())
