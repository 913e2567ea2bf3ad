"""Measure time and peak memory of `gene_transformer` with default parameters on simulated cells, in a new process.

.venv/bin/python benchmarks/transformer_scaling.py --cells 10000 --threads 2
"""

import argparse
import contextlib
import io
import os
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--cells", type=int, default=10_000)
parser.add_argument("--genes", type=int, default=512)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--module", default="gene_transformer")
parser.add_argument("--epochs", type=int, help="default: that of the method")
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from scbench.config import load_config  # noqa: E402
from scbench.datasets.prepare import prepare  # noqa: E402
from scbench.datasets.simulate import simulate  # noqa: E402
from scbench.registry import load_registry  # noqa: E402
from scbench.runner import run  # noqa: E402

config = load_config(Path(__file__).parents[1] / "config", {})
raw = simulate(n_cells=options.cells, n_genes=options.genes, n_types=8, n_batches=4, seed=0)
adata = prepare(raw, **config["preprocessing"])[0]
method = load_registry(config["methods"])[options.module]
if options.epochs:
    method = replace(method, params={**method.params, "epochs": options.epochs})
before, wall, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.time(), time.process_time()
with contextlib.redirect_stdout(io.StringIO()):
    run(method, adata, dataset="simulated", seed=0, accelerator="cpu", threads=options.threads)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"{adata.n_obs} cells x {adata.n_vars} genes, {options.threads} threads")
print(f"{time.time() - wall:.0f} s, {time.process_time() - cpu:.0f} CPU s")
print(f"{before / 1024:.0f} MB before, {peak / 1024:.0f} MB at the peak")
