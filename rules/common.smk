import shutil
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

ROOT = Path(workflow.current_basedir).parent
sys.path.insert(0, str(ROOT / "workflow_scripts"))

import pandas as pd
from scbench.config import METRIC_GROUPS, ConfigError, load_config
from scbench.analyses.exports import EXPORTS
from scbench.plan import has_labels, plan_runs
from scbench.provenance import code_digest
from scbench.registry import load_registry
from snakemake.exceptions import WorkflowError

try:
    CONFIG = load_config(ROOT / "config", config, workflow.configfiles)
    METHODS = load_registry(CONFIG["methods"])
    PLAN = plan_runs(CONFIG, METHODS)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

RESULTS = CONFIG["benchmark"]["results"]
DATASETS = CONFIG["benchmark"]["datasets"]
SIMULATED = [name for name in DATASETS if "simulate" in CONFIG["datasets"][name]]
FETCHED = [name for name in DATASETS if name not in SIMULATED]
RUNS = pd.DataFrame(PLAN)
RUN = f"{RESULTS}/{{dataset}}/{{method}}/seed{{seed}}"
GENE_KNOWLEDGE = f"{RESULTS}/{{dataset}}/gene_knowledge"
LOGS = f"{RESULTS}/logs"
COVERAGE = f"{RESULTS}/summary/coverage.tsv"
FAILURES = Path(LOGS, "failures.log")

ACCELERATOR = CONFIG["benchmark"]["accelerator"]
REQUEST_GPU = ACCELERATOR == "gpu" or (ACCELERATOR == "auto" and shutil.which("nvidia-smi") is not None)
REPORT_METHODS = list(dict.fromkeys(run.method for run in PLAN if run.status == "planned"))
REPORT_DATASETS = list(dict.fromkeys(run.dataset for run in PLAN if run.status == "planned"))
REPORT_LABELS = {id: METHODS[id].label for id in REPORT_METHODS}
REPORT_KINDS = {id: METHODS[id].reported_kind for id in REPORT_METHODS}
SELF_TRAINED = [run for run in PLAN if METHODS[run.method].module == "scdml_iterative" and run.status == "planned"]
TRANSFORMERS = [id for id, method in METHODS.items() if method.module.startswith("gene_transformer")]
LABELLED = [run for run in PLAN if run.status == "planned" and has_labels(CONFIG["datasets"][run.dataset])]
TRANSFORMER_RUNS = [run for run in LABELLED if run.method in TRANSFORMERS]
DISENTANGLED = [run for run in LABELLED if METHODS[run.method].module == "disentangled_ae"]
FIGURES = f"{RESULTS}/figures"
METRICS = {group: CONFIG["metrics"][group] for group in METRIC_GROUPS}


SUMMARY_PARAMS = dict(
    runs=RUNS.to_dict("records"),
    results=lambda wildcards, output: str(Path(output.scores).parent.parent),
    kinds=REPORT_KINDS,
    weights=CONFIG["metrics"]["weights"],
    scaling=CONFIG["metrics"]["scaling"],
    code=code_digest("summarise.py"),
)


def one_of(names):
    """A wildcard constraint; of no names, one that nothing matches."""
    return "|".join(names) or "(?!)"


def local_files(wildcards):
    entry = CONFIG["datasets"][wildcards.dataset]
    return {key: entry[key] for key in ("path", "metadata") if key in entry}


def run_folder(method):
    """The folder of a method's runs, with the wildcards dataset and seed."""
    return RUN.replace("{method}", method.id)


def of_planned_runs(name):
    """The file of that name of every planned run."""
    pattern = f"{RESULTS}/{{run.dataset}}/{{run.method}}/seed{{run.seed}}/{name}"
    return collect(pattern, run=lookup("status == 'planned'", within=RUNS))


def run_inputs(method):
    """The data set; cell types and vectors of genes only for methods that declare them."""
    files = {"dataset": f"{RESULTS}/{{dataset}}/dataset.h5ad"}
    files |= {source: f"{GENE_KNOWLEDGE}/{source}.npz" for source in method.gene_vectors}
    return files | ({"truth": f"{RESULTS}/{{dataset}}/truth.tsv.gz"} if method.uses_labels else {})


def run_outputs(method):
    """Files of one run; weights and history only from methods that are trained."""
    folder = run_folder(method)
    files = {"embedding": f"{folder}/embedding.h5ad"}
    if method.trained:
        files |= {"history": f"{folder}/history.tsv", "model": f"{folder}/model.pt"}
    return files


def first_runs(dataset):
    """The run with the first seed of every method that runs on the data set."""
    runs = {run.method: run for run in reversed(PLAN) if run.dataset == dataset and run.status == "planned"}
    return [runs[id] for id in REPORT_METHODS if id in runs]


def finished_runs(wildcards):
    """When the scores of each run were written; a parameter, because as inputs outdated runs would be run again."""
    files = [run.folder(RESULTS) / "scores.tsv" for run in PLAN]
    return {str(file): file.stat().st_mtime for file in files if file.exists()}


def record_failure():
    """Record what became of every planned run, and that a start ended with failures."""
    from scbench.files import write_table
    from scbench.coverage import coverage

    table = coverage(PLAN, RESULTS)
    write_table(COVERAGE, table)
    FAILURES.parent.mkdir(parents=True, exist_ok=True)
    with FAILURES.open("a") as file:
        print(f"{datetime.now():%Y-%m-%d %H:%M:%S}", table["status"].value_counts().to_dict(), file=file)


def number_of_failures():
    """How often a start ended with failures: a parameter of the summary, which is then made anew with its coverage."""
    return len(FAILURES.read_text().splitlines()) if FAILURES.exists() else 0


def closing_words():
    """The overall table and where to find the rest, or what failed."""
    table = pd.read_csv(COVERAGE, sep="\t", keep_default_na=False) if Path(COVERAGE).exists() else pd.DataFrame()
    failed = table[table["status"] == "failed"] if len(table) else table
    if len(failed):
        lines = [
            f"  {run.dataset} {run.method} seed {run.seed}: {run.reason} (log: {run.log})"
            for run in failed.itertuples()
        ]
        return "\n".join([f"{len(failed)} of {len(table)} runs failed; see {COVERAGE}", *lines])
    overall = Path(RESULTS, "tables", "overall.md")
    return f"{overall.read_text()}\nTables: {RESULTS}/tables   Figures: {RESULTS}/figures" if overall.exists() else ""
