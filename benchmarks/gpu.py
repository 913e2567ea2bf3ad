"""Compare the neural methods on the CPU and on a GPU: cells per second, and the totals of both with their difference.

    .venv/bin/python benchmarks/gpu.py run results/development --out results/gpu
    .venv/bin/python benchmarks/gpu.py table results/development --out results/gpu

`run` needs a GPU unless --devices says cpu; it skips finished runs. `table` needs none, so the runs can be made on one
machine and scored on another.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import pandas as pd
from integration_quality import total_of

from scbench.config import load_config
from scbench.files import read_dataset, read_embedding, read_gene_vectors, read_truth, write_json
from scbench.paths import Paths
from scbench.registry import load_registry
from scbench.runner import run, write_run

CONFIG = load_config(Path(__file__).parents[1] / "config", {})
REGISTRY = load_registry(CONFIG["methods"])
NEURAL = ["vae_nb", "cvae_nb", "disentangled_ae", "scdml", "scdml_iterative", "gene_transformer"]


def made(out: Path, device: str) -> Paths:
    """Return the paths of the runs on one device."""
    return Paths(str(out / device))


def train(prepared: Paths, out: Path, dataset: str, method: str, seed: int, device: str) -> None:
    """Run a method on one device and store its embedding and its seconds."""
    adata, spec, paths = read_dataset(prepared.data(dataset, "dataset.h5ad")), REGISTRY[method], made(out, device)
    files = {source: prepared.gene_knowledge(dataset, f"{source}.npz") for source in spec.gene_vectors}
    vectors = {source: read_gene_vectors(file, adata.var_names)[0] for source, file in files.items()}
    start = time.perf_counter()
    result = run(spec, adata, dataset=dataset, seed=seed, accelerator=device, gene_vectors=vectors)
    seconds = time.perf_counter() - start
    epochs = int(result.embedding.history["epoch"].max()) + 1
    write_run(result, {"embedding": paths.run(dataset, method, seed, "embedding.h5ad")})
    write_json(paths.run(dataset, method, seed, "seconds.json"), {"seconds": seconds, "epochs": epochs})


def run_all(options: argparse.Namespace) -> None:
    """Run all methods on all datasets with all seeds, on one device after the other."""
    prepared = Paths(str(options.prepared))
    for device in options.devices:
        if device == "gpu":
            import torch

            torch.zeros(1, device="cuda")  # starts CUDA, which is not part of a training
        for dataset in options.datasets or datasets_in(options.prepared):
            for method in options.methods:
                for seed in options.seeds:
                    if not Path(made(options.out, device).run(dataset, method, seed, "seconds.json")).exists():
                        train(prepared, options.out, dataset, method, seed, device)
                        print(f"{device} {dataset} {method} seed {seed}: done", flush=True)


def total(prepared: Paths, paths: Paths, dataset: str, method: str, seed: int) -> float:
    """Return the total of a run on the metrics of the configured preset."""
    from scbench.metrics.suite import score_run

    adata = read_dataset(prepared.data(dataset, "dataset.h5ad"))
    truth = read_truth(prepared.data(dataset, "truth.tsv.gz"), adata.obs_names)
    found = read_embedding(paths.run(dataset, method, seed, "embedding.h5ad"), adata.obs_names)
    run_of = {"dataset": dataset, "method": method, "seed": seed}
    scores = score_run(*found, adata, truth, **run_of, metrics=CONFIG["metrics"])["scores"]
    return total_of(scores)["total"]


def table(options: argparse.Namespace) -> str:
    """Return cells per second, epochs x cells / seconds of the whole run, and totals: means over the seeds."""
    prepared, rows = Paths(str(options.prepared)), []
    for file in sorted(options.out.glob("gpu/*/*/seed*/seconds.json")):
        dataset, method, seed = file.parts[-4], file.parts[-3], int(file.parts[-2].removeprefix("seed"))
        if not Path(made(options.out, "cpu").run(dataset, method, seed, "seconds.json")).exists():
            continue
        row: dict = {"dataset": dataset, "method": method, "seed": seed}
        for device in ("cpu", "gpu"):
            paths = made(options.out, device)
            spent = json.loads(Path(paths.run(dataset, method, seed, "seconds.json")).read_text())
            n_cells = read_dataset(prepared.data(dataset, "dataset.h5ad")).n_obs
            row |= {
                f"{device}_s": spent["seconds"],
                f"{device}_cells_per_s": spent["epochs"] * n_cells / spent["seconds"],
            }
            row[f"{device}_total"] = total(prepared, paths, dataset, method, seed)
        rows.append(row)
    runs = pd.DataFrame(rows)
    runs["difference"] = runs["gpu_total"] - runs["cpu_total"]
    by = runs.groupby(["dataset", "method"], sort=False)
    means = by.mean().drop(columns="seed").assign(seeds=by.size(), sd_of_difference=by["difference"].std())
    digits = {name: 0 if name.endswith("per_s") else 1 if name.endswith("_s") else 3 for name in means}
    return means.round(digits).to_markdown()


def datasets_in(folder: Path) -> list[str]:
    """Return the names of the prepared datasets in a results folder."""
    return sorted(path.parent.name for path in folder.glob("*/dataset.h5ad"))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["run", "table"])
    parser.add_argument("prepared", type=Path, help="results folder with {dataset}/dataset.h5ad and truth.tsv.gz")
    parser.add_argument("--datasets", nargs="+", help="default: all in the folder")
    parser.add_argument("--methods", nargs="+", default=NEURAL)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--devices", nargs="+", choices=["cpu", "gpu"], default=["cpu", "gpu"])
    parser.add_argument("--out", type=Path, default=Path("results/gpu"))
    options = parser.parse_args(arguments)
    if options.step == "run":
        run_all(options)
    else:
        print(table(options))


if __name__ == "__main__":
    main()
