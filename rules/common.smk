import sys
from pathlib import Path

ROOT = Path(workflow.current_basedir).parent
sys.path.insert(0, str(ROOT / "workflow_scripts"))

import pandas as pd
from scbench.config import ConfigError, load_config
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
LOGS = f"{RESULTS}/logs"
COVERAGE = f"{RESULTS}/summary/coverage.tsv"


def write_coverage():
    """Record what became of every planned run; called when jobs have failed."""
    from scbench.contracts import write_table
    from scbench.coverage import coverage

    write_table(COVERAGE, coverage(PLAN, RESULTS))


def closing_words():
    """The overall table and where to find the rest, or what failed."""
    table = pd.read_csv(COVERAGE, sep="\t", keep_default_na=False) if Path(COVERAGE).exists() else pd.DataFrame()
    failed = table[table["status"] == "failed"] if len(table) else table
    if len(failed):
        lines = [f"  {run.dataset} {run.method} seed {run.seed}: {run.reason} (log: {run.log})" for run in failed.itertuples()]
        return "\n".join([f"{len(failed)} of {len(table)} runs failed; see {COVERAGE}", *lines])
    overall = Path(RESULTS, "tables", "overall.md")
    return f"{overall.read_text()}\nTables: {RESULTS}/tables   Figures: {RESULTS}/figures" if overall.exists() else ""
