for id, method in METHODS.items():

    rule:
        name:
            f"integrate_{id}"
        input:
            **run_inputs(method),
        output:
            **run_outputs(method),
        log:
            f"{LOGS}/{{dataset}}/{id}/seed{{seed}}/integrate.log",
        benchmark:
            f"{run_folder(method)}/benchmark.jsonl"
        wildcard_constraints:
            dataset=one_of(DATASETS),
            seed=r"\d+",
        conda:
            f"../envs/{method.env}.yaml"
        threads: method.threads
        resources:
            mem_mb=method.mem_mb,
            runtime=method.runtime,
            gpu=method.gpu if REQUEST_GPU else 0,
        params:
            spec={
                k: v
                for k, v in asdict(method).items()
                if k in ("id", "module", "input", "uses_labels", "trained", "gpu", "params", "gene_vectors")
            },
            accelerator=ACCELERATOR,
            code=code_digest("integrate.py", f"scbench.methods.{method.module}"),
        message:
            f"{{wildcards.dataset}}: {method.label}, seed {{wildcards.seed}}"
        script:
            "../workflow_scripts/integrate.py"
