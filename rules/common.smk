# The plan of runs and the paths of all files; no rules, and nothing that is computed from results.
import shutil
import sys
from pathlib import Path

ROOT = Path(workflow.current_basedir).parent
sys.path.insert(0, str(ROOT / "workflow_scripts"))

import pandas as pd
from scbench.analyses.catalogue import ANALYSES
from scbench.analyses.exports import EXPORTS
from scbench.config import (
    METRIC_GROUPS,
    columns_of,
    load_config,
    local_files,
    robust_metrics,
    scored_metrics,
    selection_of,
    source_of,
    write_config,
)
from scbench.coverage import end
from scbench.datasets.external import files_of
from scbench.datasets.fingerprint import fingerprint
from scbench.inputs import check_inputs
from scbench.integrity import check_writable
from scbench.paths import Paths
from scbench.plan import ablations, has_labels, not_installed, plan_runs, reported_kinds, skip_too_large
from scbench.metrics.catalogue import METRICS as METRIC_CATALOGUE
from scbench.provenance import code_digest, files_digest, method_digest
from scbench.registry import load_registry
from scbench.report.catalogue import FIGURES
from scbench.report.published import published_datasets
from scbench.resources import memory_mb, preparation_mb, read_size, runtime_minutes, simulation_mb
from scbench.signals import stop_in_thread
from scbench.types import ConfigError
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

try:
    CONFIG = load_config(ROOT / "config", config, workflow.configfiles)
    METHODS = load_registry(CONFIG["methods"], CONFIG["datasets"])
    OWN_ENVIRONMENTS = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    PLAN = plan_runs(CONFIG, METHODS, {} if OWN_ENVIRONMENTS else not_installed(METHODS))
    if workflow.is_main_process:  # and not in the processes of the jobs
        check_writable("working folder", ".")
        check_writable("benchmark.results", CONFIG["benchmark"]["results"])
        for note in check_inputs(CONFIG, METHODS, PLAN):
            print(f"Note: {note}", file=sys.stderr)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

AT = Paths(CONFIG["benchmark"]["results"])


def fitting(runs):
    """Return the runs; where they run on this machine, those that it has too little memory for are skipped."""
    here = workflow.is_main_process and workflow.local_exec
    return skip_too_large(runs, METHODS, AT) if here else runs


PLAN = fitting(PLAN)
RUN = {"dataset": "{dataset}", "method": "{method}", "seed": "{seed}"}  # wildcards of AT.run and AT.run_log
RUNS = [run for run in PLAN if run.status == "planned"]
EXTERNAL = [id for id, method in METHODS.items() if method.kind == "external"]
RUN_TABLE = pd.DataFrame(PLAN)
DATASETS = CONFIG["datasets"]
SIMULATED = [name for name in DATASETS if "simulate" in DATASETS[name]]
FETCHED = [name for name in DATASETS if name not in SIMULATED]
METRICS = {group: CONFIG["metrics"][group] for group in METRIC_GROUPS}
SCORED = scored_metrics(CONFIG["metrics"])
SHOWN_DATASETS = list(dict.fromkeys(run.dataset for run in RUNS))
NULL_SPLITS = [name for name in SHOWN_DATASETS if DATASETS[name].get("null_split")]
SHOWN_METHODS = list(dict.fromkeys(run.method for run in RUNS))
LABELS = {id: METHODS[id].label for id in SHOWN_METHODS}
ALL_KINDS = reported_kinds(CONFIG, METHODS)
KINDS = {id: ALL_KINDS[id] for id in SHOWN_METHODS}
COMPARED = [id for id in SHOWN_METHODS if KINDS[id] != "ablation"]
ABLATIONS = ablations(CONFIG, METHODS)
PROJECTION = CONFIG["plots"]["projection"]
PAGE_FOLDER = ROOT / "workflow_scripts/scbench/report/page"
PAGE_ASSETS = sorted(path for path in PAGE_FOLDER.rglob("*") if path.suffix in (".j2", ".js", ".css", ".txt"))
ACCELERATOR = CONFIG["benchmark"]["accelerator"]
AMOUNTS = CONFIG["resources"]
CUDA_MB = 4000  # of the host's memory, for the libraries of CUDA; not measured
REQUEST_GPU = ACCELERATOR == "gpu" or (ACCELERATOR == "auto" and shutil.which("nvidia-smi") is not None)


def asked_memory(amount, more=0):
    """Return the function of the MB that a job asks for, given an amount of `scbench.resources.estimate`."""

    def mem_mb(wildcards, attempt):
        return memory_mb(amount, read_size(AT.data(wildcards.dataset, "size.json")), attempt) + more

    return mem_mb


def asked_minutes(amount):
    """Return the function of the minutes that a job asks for."""
    return lambda wildcards, attempt: runtime_minutes(
        amount, read_size(AT.data(wildcards.dataset, "size.json")), attempt
    )


def code_of(*entries):
    """Return a function that computes the digest of a rule's code; Snakemake calls it only for the jobs it considers."""
    return lambda wildcards: code_digest(*entries)


def one_of(names):
    """Return a wildcard constraint for the names; without names, one that matches nothing."""
    return "|".join(names) or "(?!)"


wildcard_constraints:
    dataset=one_of(DATASETS),
    method=one_of(METHODS),
    seed=r"\d+",


def run_inputs(method):
    """Return the inputs: the dataset, and cell types, gene vectors and a trunk only for methods that declare them."""
    files = {"dataset": AT.data("{dataset}", "dataset.h5ad")}
    files |= {source: AT.gene_knowledge("{dataset}", f"{source}.npz") for source in method.gene_vectors}
    files |= {"pretrained": AT.pretraining("{dataset}", "model.pt")} if method.pretrained else {}
    return files | ({"truth": AT.data("{dataset}", "truth.tsv.gz")} if method.uses_labels else {})


def other_datasets(wildcards):
    """Return the datasets of the benchmark besides this one."""
    return [name for name in SHOWN_DATASETS if name != wildcards.dataset]


def embeddings_of(wildcards):
    """Return {id: settings} of the embeddings of a dataset that were made elsewhere."""
    return DATASETS[wildcards.dataset]["embeddings"]


def first_runs(dataset):
    """Return the run with the first seed of every method that runs on a dataset, without ablations."""
    first = {}
    for run in RUNS:
        if run.dataset == dataset and run.method in COMPARED:
            first.setdefault(run.method, run)
    return list(first.values())


def reported(file, caption, category, **labels):
    """Mark a file for `snakemake --report`."""
    return report(file, caption=f"../report/{caption}.rst", category=category, labels=labels)


def of_all_runs(name):
    """Return the file `name` of every planned run."""
    pattern = AT.run("{run.dataset}", "{run.method}", "{run.seed}", name)
    return collect(pattern, run=lookup("status == 'planned'", within=RUN_TABLE))


def begin():
    """Keep the configuration with the results; a hangup ends the workflow like a termination, with its closing words."""
    stop_in_thread()
    try:
        write_config(AT.config, CONFIG)
    except OSError as error:
        problem = f"benchmark.results: '{AT.results}' cannot be written ({error.strerror})"
        raise WorkflowError(f"{problem}; make room or name another folder") from None


def files_of_runs():
    """Return what integrate, score and project write for every planned run."""
    names = ["scores.tsv", "levels.tsv", "by_type.tsv", f"{PROJECTION}.tsv.gz"]
    own = {id: [*AT.run_parts(trained=METHODS[id].trained, tables=METHODS[id].tables).values()] for id in SHOWN_METHODS}
    made_here = {id: [] if id in EXTERNAL else ["benchmark.jsonl"] for id in SHOWN_METHODS}
    return [
        AT.run(run.dataset, run.method, run.seed, name)
        for run in RUNS
        for name in (*own[run.method], *made_here[run.method], *names)
    ]
