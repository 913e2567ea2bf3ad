PUBLISHED = ROOT / "config/published"
WITH_PUBLISHED = sorted(published_datasets(PUBLISHED) & set(SHOWN_DATASETS))


rule published_table:
    input:
        summary=rules.summarise.output.summary,
        values=PUBLISHED / "values.tsv",
        sources=PUBLISHED / "sources.yaml",
    output:
        md=reported(AT.table("published.md"), "published", "Published scores", table="published"),
        tsv=AT.table("published.tsv"),
        tex=AT.table("published.tex"),
    log:
        AT.log("published_table"),
    benchmark:
        AT.summary("published_table.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folder=str(PUBLISHED),
        labels=LABELS,
        code=code_digest("published_table.py"),
    message:
        "published scores beside ours"
    script:
        "../workflow_scripts/published_table.py"


rule claims_table:
    input:
        **({"disentanglement": AT.table("disentanglement.tsv")} if analysed("disentanglement") else {}),
        **({"gene_vectors": AT.figure("gene_vectors.tsv")} if analysed("gene_vectors") else {}),
        scores=rules.summarise.output.scores,
        claims=ROOT / "config/claims.tsv",
    output:
        md=reported(AT.table("claims.md"), "claims", "Claims", table="claims"),
        tsv=AT.table("claims.tsv"),
        tex=AT.table("claims.tex"),
    log:
        AT.log("claims_table"),
    benchmark:
        AT.summary("claims_table.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        weights=CONFIG["metrics"]["weights"],
        code=code_digest("claims_table.py"),
    message:
        "table of claims"
    script:
        "../workflow_scripts/claims_table.py"


def without(id):
    """Return why a figure of an analysis is left out, or an empty text."""
    declared = [name for name, method in METHODS.items() if id in method.analyses]
    return "" if analysed(id) else f"needs a dataset with cell types and one of the methods {', '.join(declared)}"


def paper_entries():
    """Yield (kind, name, title, caption, made of, why it is left out or "") of all figures and tables, in order."""
    scores, runs = "summary/summary.tsv", "summary/scores.tsv"
    unpublished = "" if WITH_PUBLISHED else "no dataset of this configuration is in config/published/values.tsv"
    yield "table", "datasets", "Datasets", "datasets", "{dataset}/dataset.h5ad, {dataset}/truth.tsv.gz", ""
    yield "figure", "scores_overall", "Totals on all datasets", "scores", scores, ""
    yield "table", "overall", "Totals on all datasets", "tables", scores, ""
    yield "figure", "bio_batch", "Bio conservation against batch correction", "bio_batch", scores, ""
    yield "figure", "ranking", "Ranking with critical differences", "ranking", "summary/overall.tsv", ""
    yield "table", "ranking", "Ranking and its uncertainty", "ranking", "summary/overall.tsv", ""
    yield "table", "published", "Published scores beside ours", "published", scores, unpublished
    yield "table", "claims", "Claims", "claims", runs, ""
    for id in ABLATIONS:
        yield "figure", f"ablation_{id}", f"Ablation: {METHODS[id].label}", "ablation", scores, ""
    if not ABLATIONS:
        yield "figure", "ablation", "Ablations", "ablation", scores, "benchmark.ablations lists no methods"
    for kind, id in [("table", "disentanglement"), ("figure", "self_training"), ("figure", "gene_vectors")]:
        yield kind, id, ANALYSES[id].title.capitalize(), id, f"{{dataset}}/{{method}}/seed{{seed}}/{id}.tsv", without(
            id
        )
    for kind in ("figure", "table"):
        title, run_table = ANALYSES["annotation"].title.capitalize(), "{dataset}/{method}/seed{seed}/annotation.tsv"
        yield kind, "annotation", title, "annotation", run_table, without("annotation")
    yield "figure", "scaling", "Run time and memory", "scaling", "summary/resources.tsv", ""
    for name in SHOWN_DATASETS:
        projections = f"{name}/{{method}}/seed{{seed}}/{PROJECTION}.tsv.gz"
        yield "figure", f"{PROJECTION}_{name}", f"{PROJECTION.upper()}, {name}", "projection", projections, ""
        yield "figure", f"scores_{name}", f"Scores, {name}", "scores", scores, ""
        yield "table", name, f"Scores, {name}", "tables", scores, ""


def paper_items():
    """Return the figures and tables of the paper (see scbench.report.paper.Item) and why others are left out."""
    items, left_out = [], {}
    for kind, name, title, caption, made_of, reason in paper_entries():
        path, suffixes = (AT.figure, FIGURE_SUFFIXES) if kind == "figure" else (AT.table, TABLE_SUFFIXES)
        files = [path(f"{name}.{suffix}") for suffix in suffixes]
        text = (ROOT / "report" / f"{caption}.rst").read_text()
        if reason:
            left_out[title] = reason
        else:
            items.append({"kind": kind, "title": title, "caption": text, "files": files, "made_of": made_of})
    return items, left_out


PAPER, LEFT_OUT = paper_items()


rule paper_folder:
    input:
        [item["files"] for item in PAPER],
    output:
        folder=directory(AT.paper),
    log:
        AT.log("paper_folder"),
    benchmark:
        AT.summary("paper_folder.benchmark.jsonl")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        contents=PAPER,
        left_out=LEFT_OUT,
        about=f"Datasets: {len(SHOWN_DATASETS)}. Methods and controls: {len(COMPARED)}. Runs: {len(RUNS)}. The last column "
        "names files of the results folder, in which this folder is; `docs/reference/files.md` describes them.",
        code=code_digest("paper_folder.py"),
    message:
        "figures and tables of the paper"
    script:
        "../workflow_scripts/paper_folder.py"


# Numbered figures and tables with captions in one folder: snakemake paper
rule paper:
    input:
        rules.paper_folder.output,
    message:
        f"paper: {AT.paper}/README.md"
