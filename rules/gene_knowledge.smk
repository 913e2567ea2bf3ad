rule coexpression:
    input:
        dataset=AT.data("{dataset}", "dataset.h5ad"),
    output:
        pairs=AT.gene_knowledge("{dataset}", "coexpression.txt"),
        report=AT.gene_knowledge("{dataset}", "coexpression.json"),
    log:
        AT.log("{dataset}", "coexpression"),
    benchmark:
        AT.gene_knowledge("{dataset}", "coexpression.benchmark.jsonl")
    conda:
        "../envs/knowledge.yaml"
    threads: 1
    resources:
        mem_mb=asked_memory(AMOUNTS["gene_knowledge"]["mem_mb"]),
        runtime=asked_minutes(AMOUNTS["gene_knowledge"]["runtime"]),
    params:
        settings={key: CONFIG["gene_knowledge"][key] for key in ("cells_per_metacell", "threshold")},
        code=code_of("coexpression.py"),
    message:
        "{wildcards.dataset}: co-expressed gene pairs"
    script:
        "../workflow_scripts/coexpression.py"


rule gene_vectors:
    input:
        dataset=AT.data("{dataset}", "dataset.h5ad"),
        pairs=AT.gene_knowledge("{dataset}", "coexpression.txt"),
        report=AT.gene_knowledge("{dataset}", "coexpression.json"),
    output:
        vectors=AT.gene_knowledge("{dataset}", "{source}.npz"),
    log:
        AT.log("{dataset}", "{source}"),
    benchmark:
        AT.gene_knowledge("{dataset}", "{source}.benchmark.jsonl")
    wildcard_constraints:
        source="gene2vec|node2vec",
    conda:
        "../envs/knowledge.yaml"
    threads: 1
    resources:
        mem_mb=asked_memory(AMOUNTS["gene_knowledge"]["mem_mb"]),
        runtime=asked_minutes(AMOUNTS["gene_knowledge"]["runtime"]),
    params:
        width=CONFIG["gene_knowledge"]["width"],
        code=code_of("gene_vectors.py"),
    message:
        "{wildcards.dataset}: gene vectors, {wildcards.source}"
    script:
        "../workflow_scripts/gene_vectors.py"


rule knowledge_vectors:
    input:
        dataset=AT.data("{dataset}", "dataset.h5ad"),
        tables=[table for table in CONFIG["gene_knowledge"]["tables"] if Path(table).exists()],
    output:
        vectors=AT.gene_knowledge("{dataset}", "knowledge.npz"),
    log:
        AT.log("{dataset}", "knowledge"),
    benchmark:
        AT.gene_knowledge("{dataset}", "knowledge.benchmark.jsonl")
    conda:
        "../envs/knowledge.yaml"
    threads: 1
    resources:
        mem_mb=asked_memory(AMOUNTS["gene_knowledge"]["mem_mb"]),
        runtime=asked_minutes(AMOUNTS["gene_knowledge"]["runtime"]),
    params:
        settings={key: CONFIG["gene_knowledge"][key] for key in ("tables", "text_columns", "sentence_model", "width")},
        code=code_of("knowledge_vectors.py"),
    message:
        "{wildcards.dataset}: gene vectors, knowledge"
    script:
        "../workflow_scripts/knowledge_vectors.py"


rule gene_table:
    output:
        AT.data("gene_table", "genes.tsv.gz"),
        AT.data("gene_table", "genes.xlsx"),
    log:
        AT.log("gene_table"),
    benchmark:
        AT.data("gene_table", "benchmark.jsonl")
    conda:
        "../envs/knowledge.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        sources={name: url for name, url in CONFIG["gene_knowledge"]["sources"].items() if url},
        folder=AT.data("gene_table", "download"),
        lock="config/downloads.lock",
        private=CONFIG["gene_knowledge"].get("private_url", False),
        code=code_of("gene_table.py"),
    message:
        "gene table: download public sources"
    script:
        "../workflow_scripts/gene_table.py"
