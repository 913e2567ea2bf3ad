def belongs_to(id, method):
    """Return whether an analysis is made of the runs of a method."""
    return ANALYSES[id].of_every_method or id in METHODS[method].analyses


def analysed(id):
    """Return the runs of an analysis: those of the methods it belongs to, on datasets with the required labels."""
    declared = [run for run in RUNS if belongs_to(id, run.method)]
    return [run for run in declared if not ANALYSES[id].needs_labels or has_labels(DATASETS[run.dataset])]


def shown(id, file, **labels):
    """Mark a file for `snakemake --report`, under the title of the analysis."""
    return reported(file, id, ANALYSES[id].title.capitalize(), **labels)


def run_outputs(id):
    """Return {name: file} for the output of an analysis of one run."""
    files = {table: AT.run(**RUN, name=f"{table}.tsv") for table in ANALYSES[id].tables}
    if ANALYSES[id].draws:
        files |= {"svg": shown(id, AT.run(**RUN, name=f"{id}.svg"), **RUN), "png": AT.run(**RUN, name=f"{id}.png")}
    return files


def gathered_outputs(id):
    """Return {format: file} for the output of an analysis over all runs."""
    if ANALYSES[id].gathers == "figure":
        files = {suffix: AT.figure(f"{id}.{suffix}") for suffix in ("png", "pdf", "tsv")}
        return {"svg": shown(id, AT.figure(f"{id}.svg"), figure="all runs"), **files}
    if ANALYSES[id].gathers == "table":
        files = {suffix: AT.table(f"{id}.{suffix}") for suffix in ("tsv", "tex")}
        return {"md": shown(id, AT.table(f"{id}.md"), table="all runs"), **files}
    return {}


def analysis_results(id):
    """Return all result files of an analysis, or an empty list if it has no runs."""
    runs = analysed(id)
    tables = [AT.run(run.dataset, run.method, run.seed, f"{id}.tsv") for run in runs]
    return [*tables, *map(str, gathered_outputs(id).values())] if runs else []  # str: an input must not be marked


for id, analysis in ANALYSES.items():

    rule:
        name:
            f"analyse_{id}"
        input:
            **{name: AT.run(**RUN, name=AT.file_name(name)) for name in analysis.reads},
            dataset=AT.data("{dataset}", "dataset.h5ad"),
            truth=AT.data("{dataset}", "truth.tsv.gz"),
        output:
            **run_outputs(id),
        log:
            AT.run_log(**RUN, step=f"analyse_{id}"),
        benchmark:
            AT.run(**RUN, name=f"analyse_{id}.benchmark.jsonl")
        wildcard_constraints:
            method=one_of([name for name in METHODS if belongs_to(id, name)]),
        conda:
            "../envs/analyses.yaml"
        threads: 1
        resources:
            mem_mb=asked_memory(AMOUNTS["analyses"]["mem_mb"]),
            runtime=asked_minutes(AMOUNTS["analyses"]["runtime"]),
        params:
            analysis=id,
            draws=analysis.draws,
            title=lambda wildcards: f"{wildcards.dataset}: {METHODS[wildcards.method].label}, seed {wildcards.seed}",
            trained=lambda wildcards, trains=analysis.trains: trains and method_digest(METHODS[wildcards.method].module),
            code=code_of(
                "analyse.py",
                f"scbench.analyses.{id}:analyse",
                *([f"scbench.report.{id}"] if analysis.draws else []),
                *(METRIC_CATALOGUE[name].function for name in analysis.metrics),
            ),
        message:
            f"{{wildcards.dataset}}: {analysis.title}, {{wildcards.method}}, seed {{wildcards.seed}}"
        script:
            "../workflow_scripts/analyse.py"

    if analysis.gathers and analysed(id):

        rule:
            name:
                f"gather_{id}"
            input:
                [AT.run(run.dataset, run.method, run.seed, f"{analysis.tables[0]}.tsv") for run in analysed(id)],
            output:
                **gathered_outputs(id),
            log:
                AT.log(f"gather_{id}"),
            benchmark:
                AT.summary(f"gather_{id}.benchmark.jsonl")
            localrule: True
            conda:
                "../envs/report.yaml"
            threads: 1
            resources:
                mem_mb=2000,
                runtime=10,
            params:
                analysis=id,
                runs=[(run.dataset, run.method, run.seed) for run in analysed(id)],
                labels=LABELS,
                code=code_of("gather.py", f"scbench.report.{id}"),
            message:
                f"{analysis.title} of all runs"
            script:
                "../workflow_scripts/gather.py"

    if not analysis.by_default:

        # analyses that are not part of the benchmark: snakemake {analysis}
        rule:
            name:
                id
            input:
                analysis_results(id),
            message:
                f"{analysis.title}: done for {len(analysed(id))} runs"
