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
        folder=lambda wildcards, input: str(Path(input.sources).parent),
        labels=LABELS,
        code=code_of("published_table.py"),
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
        code=code_of("claims_table.py"),
    message:
        "table of claims"
    script:
        "../workflow_scripts/claims_table.py"


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
        code=code_of("paper_folder.py"),
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
