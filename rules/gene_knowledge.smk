rule coexpression:
    input:
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
    output:
        pairs=f"{GENE_KNOWLEDGE}/coexpression.txt",
        report=f"{GENE_KNOWLEDGE}/coexpression.json",
    log:
        f"{LOGS}/{{dataset}}/coexpression.log",
    benchmark:
        f"{GENE_KNOWLEDGE}/coexpression.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
    conda:
        "../envs/knowledge.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings={key: CONFIG["gene_knowledge"][key] for key in ("cells_per_metacell", "threshold")},
        code=code_digest("coexpression.py"),
    message:
        "{wildcards.dataset}: pairs of genes that are expressed together"
    script:
        "../workflow_scripts/coexpression.py"


rule gene_vectors:
    input:
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
        pairs=f"{GENE_KNOWLEDGE}/coexpression.txt",
        report=f"{GENE_KNOWLEDGE}/coexpression.json",
    output:
        vectors=f"{GENE_KNOWLEDGE}/{{source}}.npz",
    log:
        f"{LOGS}/{{dataset}}/{{source}}.log",
    benchmark:
        f"{GENE_KNOWLEDGE}/{{source}}.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        source="gene2vec|node2vec",
    conda:
        "../envs/knowledge.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        width=CONFIG["gene_knowledge"]["width"],
        code=code_digest("gene_vectors.py"),
    message:
        "{wildcards.dataset}: vectors of genes, {wildcards.source}"
    script:
        "../workflow_scripts/gene_vectors.py"


rule knowledge_vectors:
    input:
        dataset=f"{RESULTS}/{{dataset}}/dataset.h5ad",
        tables=[table for table in CONFIG["gene_knowledge"]["tables"] if Path(table).exists()],
    output:
        vectors=f"{GENE_KNOWLEDGE}/knowledge.npz",
    log:
        f"{LOGS}/{{dataset}}/knowledge.log",
    benchmark:
        f"{GENE_KNOWLEDGE}/knowledge.benchmark.jsonl"
    wildcard_constraints:
        dataset=one_of(DATASETS),
    conda:
        "../envs/knowledge.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        settings={key: CONFIG["gene_knowledge"][key] for key in ("tables", "text_columns", "sentence_model", "width")},
        code=code_digest("knowledge_vectors.py"),
    message:
        "{wildcards.dataset}: vectors of genes, knowledge"
    script:
        "../workflow_scripts/knowledge_vectors.py"
