"""Compare total scores of methods on prepared datasets over seeds.

    .venv/bin/python benchmarks/integration_quality.py results/development --methods scvi harmony cvae_nb

Runs are stored in the folder --out in the format of the workflow and are not recomputed, so the script can be stopped
at any time.
"""

import argparse
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from scbench.config import load_config  # noqa: E402
from scbench.files import (  # noqa: E402
    read_dataset,
    read_embedding,
    read_gene_vectors,
    read_graph,
    read_scores,
    read_truth,
    write_json,
    write_scores,
)
from scbench.gene_knowledge.sources import make_vectors  # noqa: E402
from scbench.metrics.suite import score_run  # noqa: E402
from scbench.paths import Paths  # noqa: E402
from scbench.registry import load_registry  # noqa: E402
from scbench.runner import RunResult, run, write_run  # noqa: E402

CONFIG = load_config(Path(__file__).parents[1] / "config", {})
REGISTRY = load_registry(CONFIG["methods"])


def vectors_of(prepared: Paths, dataset: str, adata, sources: list) -> dict:
    """Read the gene vectors that the workflow has written for the dataset, or compute them."""
    files = {source: Path(prepared.gene_knowledge(dataset, f"{source}.npz")) for source in sources}
    if not all(path.exists() for path in files.values()):
        return make_vectors(adata, sources, CONFIG["gene_knowledge"])[0]
    found = {source: read_gene_vectors(path, adata.var_names)[0] for source, path in files.items()}
    return {source: vectors for source, vectors in found.items() if vectors is not None}


def result_of(method: str, prepared: Paths, dataset: str, adata, labels: np.ndarray, seed: int, epochs) -> RunResult:
    """Run a method of the registry."""
    spec = REGISTRY[method]
    if epochs and spec.trained:
        spec = replace(spec, params={**spec.params, "epochs": epochs})
    vectors = vectors_of(prepared, dataset, adata, spec.gene_vectors)
    return run(spec, adata, dataset=dataset, seed=seed, accelerator="cpu", labels=labels, gene_vectors=vectors)


def total_of(scores: pd.DataFrame) -> pd.Series:
    """Return bio, batch and total of one run."""
    groups = scores[scores["status"] == "ok"].groupby("group")["value"].mean()
    groups["total"] = sum(weight * groups[group] for group, weight in CONFIG["metrics"]["weights"].items())
    return groups


def measure(options, out: Paths, prepared: Paths, dataset: str, method: str, seed: int, adata, truth) -> pd.Series:
    """Compute the missing parts of a run (embedding and its run time, scores) and return its totals."""
    files = {name: Path(out.run(dataset, method, seed, name)) for name in ("embedding.h5ad", "seconds.json")}
    scored = Path(out.run(dataset, method, seed, "scores.tsv"))
    labels = truth["cell_type"].to_numpy()
    if not files["embedding.h5ad"].exists():
        wall, cpu = time.time(), time.process_time()
        result = result_of(method, prepared, dataset, adata, labels, seed, options.epochs)
        write_json(files["seconds.json"], {"wall": time.time() - wall, "cpu": time.process_time() - cpu})
        write_run(result, {"embedding": files["embedding.h5ad"]})
    if not scored.exists():
        found = read_embedding(files["embedding.h5ad"], adata.obs_names)
        run_of = {"dataset": dataset, "method": method, "seed": seed}
        write_scores(
            scored,
            score_run(
                *found, adata, truth, **run_of, metrics=CONFIG["metrics"], graph=read_graph(files["embedding.h5ad"])
            )["scores"],
        )
    return total_of(read_scores(scored))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prepared", type=Path, help="folder with {dataset}/dataset.h5ad and truth.tsv.gz")
    parser.add_argument("--methods", nargs="+", required=True, help="ids of the registry")
    parser.add_argument("--datasets", nargs="+", help="default: all in the folder")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--out", type=Path, default=Path("results/quality"))
    parser.add_argument("--epochs", type=int, help="epochs of trained methods, for a quick test")
    options = parser.parse_args(arguments)
    prepared, out, rows = Paths(str(options.prepared)), Paths(str(options.out)), []
    for dataset in options.datasets or sorted(path.parent.name for path in options.prepared.glob("*/dataset.h5ad")):
        adata = read_dataset(prepared.data(dataset, "dataset.h5ad"))
        truth = read_truth(prepared.data(dataset, "truth.tsv.gz"), adata.obs_names)
        for method in options.methods:
            for seed in options.seeds if REGISTRY[method].stochastic else options.seeds[:1]:
                found = measure(options, out, prepared, dataset, method, seed, adata, truth)
                rows.append((dataset, method, seed, found["total"]))
                shown = "  ".join(f"{name} {found[name]:.3f}" for name in ("total", "bio", "batch"))
                print(f"{dataset:24s} {method:20s} seed {seed}  {shown}", flush=True)
    by = pd.DataFrame(rows, columns=["dataset", "method", "seed", "total"]).groupby(["method", "dataset"])["total"]
    table = by.agg(lambda x: f"{x.mean():.3f} ({x.std() if len(x) > 1 else 0:.3f}, {len(x)})").unstack("dataset")
    table["mean"] = by.mean().unstack("dataset").mean(axis=1).round(3)
    print("\nmean total (sd over seeds, number of seeds)")
    print(table.loc[options.methods].to_string())


if __name__ == "__main__":
    main()
