import shutil
from dataclasses import asdict

ACCELERATOR = CONFIG["benchmark"]["accelerator"]
REQUEST_GPU = ACCELERATOR == "gpu" or (ACCELERATOR == "auto" and shutil.which("nvidia-smi") is not None)


def run_outputs(method):
    """Files of one run; weights and history only from methods that are trained."""
    folder = f"{RESULTS}/{{dataset}}/{method.id}/seed{{seed}}"
    files = {"embedding": f"{folder}/embedding.h5ad"}
    if method.trained:
        files |= {"history": f"{folder}/history.tsv", "model": f"{folder}/model.pt"}
    return files


def run_inputs(method):
    """The data set; cell types only for methods that declare them."""
    files = {"dataset": f"{RESULTS}/{{dataset}}/dataset.h5ad"}
    return files | ({"truth": f"{RESULTS}/{{dataset}}/truth.tsv.gz"} if method.uses_labels else {})


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
            f"{RESULTS}/{{dataset}}/{id}/seed{{seed}}/benchmark.jsonl"
        wildcard_constraints:
            dataset=one_of(DATASETS),
            seed=r"\d+",
        params:
            spec={k: v for k, v in asdict(method).items() if k in ("id", "module", "input", "uses_labels", "trained", "gpu", "params")},
            accelerator=ACCELERATOR,
            code=code_digest("integrate.py", f"scbench.methods.{method.module}"),
        conda:
            f"../envs/{method.env}.yaml"
        threads: method.threads
        resources:
            mem_mb=method.mem_mb,
            runtime=method.runtime,
            gpu=method.gpu if REQUEST_GPU else 0,
        script:
            "../workflow_scripts/integrate.py"
