"""Compare masked reconstruction of held-out cells between sources of gene vectors and random vectors, paired by seed.

.venv/bin/python benchmarks/gene_positions.py results/development/kang_pbmc_ifnb --tables table.csv text.tsv
"""

import argparse
import contextlib
import io
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import numpy as np
import torch

from scbench.config import load_config
from scbench.files import read_dataset, read_gene_vectors
from scbench.gene_knowledge.sources import make_vectors
from scbench.methods.gene_transformer_plain import integrate
from scbench.prepared import method_input

VARIANTS = {
    "random": [],
    "none": [],
    "gene2vec": ["gene2vec"],
    "node2vec": ["node2vec"],
    "knowledge": ["knowledge"],
    "gene2vec + knowledge": ["gene2vec", "knowledge"],
}
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("prepared", type=Path, help="folder with a dataset.h5ad of the workflow")
parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
parser.add_argument("--tables", nargs="*", default=[], help="tables of gene knowledge")
parser.add_argument("--text-columns", nargs="*", default=["name", "summary"])
parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
parser.add_argument("--steps", type=int, default=500)
options = parser.parse_args()
torch.set_num_threads(1)
adata = read_dataset(options.prepared / "dataset.h5ad")
data = method_input(adata, options.prepared.name, "counts")
settings = load_config(Path(__file__).parents[1] / "config", {})["gene_knowledge"]
settings |= {"tables": options.tables, "text_columns": options.text_columns}
vectors = {}
for source in sorted({source for name in options.variants for source in VARIANTS[name]}):
    made = options.prepared / "gene_knowledge" / f"{source}.npz"
    found = read_gene_vectors(made, adata.var_names)[0] if made.exists() else None
    vectors |= {source: found} if found is not None else make_vectors(adata, [source], settings)[0]


def held_out_error(name: str, seed: int) -> float:
    """Return the mean squared error at hidden genes of held-out cells, in units of gene variance, at the best epoch."""
    given = replace(data, gene_vectors={source: vectors[source] for source in VARIANTS[name]})
    position = name if name in ("random", "none") else "vectors"
    with contextlib.redirect_stdout(io.StringIO()):
        history = integrate(
            given,
            seed=seed,
            device="cpu",
            threads=1,
            position=position,
            max_steps=options.steps,
            held_out=0.2,
            patience=10**6,
        ).history
    return history[history["term"] == "held_out_masked"]["value"].min()


errors: dict[str, list[float]] = {name: [] for name in options.variants}
start = time.process_time()
for seed in options.seeds:
    for name in options.variants:
        errors[name].append(held_out_error(name, seed))
        print(f"seed {seed}  {name:22s} {errors[name][-1]:.4f}  {time.process_time() - start:.0f} CPU s", flush=True)
print("\nvariant                 mean    difference to random: mean, sd over seeds, seeds that are better")
for name, found in errors.items():
    difference = np.array(found) - np.array(errors["random"])
    spread = difference.std(ddof=1) if len(difference) > 1 else np.nan
    print(f"{name:22s}  {np.mean(found):.4f}  {difference.mean():+.4f}  {spread:.4f}  {(difference < 0).sum()}")
