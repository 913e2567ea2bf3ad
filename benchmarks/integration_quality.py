"""Total scores of methods on prepared data sets over seeds, with scVI and Scanorama beside ours.

    .venv-reference/bin/python benchmarks/integration_quality.py results/development --methods scvi harmony cvae_nb

Every embedding stays in the folder --out and is not computed again, so that the script can be stopped at any time.
"""

import argparse
import json
import logging
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
from scbench.files import cell_cycle_phases, method_input, read_dataset, read_gene_vectors, read_truth  # noqa: E402
from scbench.gene_knowledge.sources import make_vectors  # noqa: E402
from scbench.metrics.suite import score_embedding  # noqa: E402
from scbench.registry import load_registry  # noqa: E402
from scbench.runner import run_method  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("prepared", type=Path, help="folder with {dataset}/dataset.h5ad and truth.tsv.gz")
parser.add_argument("--methods", nargs="+", required=True, help="ids of the registry, scvi, scanorama")
parser.add_argument("--datasets", nargs="+", help="default: all in the folder")
parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
parser.add_argument("--out", type=Path, default=Path("results/quality"))
parser.add_argument("--score-only", action="store_true", help="leave out what is not computed yet")
options = parser.parse_args()
CONFIG = load_config(Path(__file__).parents[1] / "config", {})
REGISTRY = load_registry(CONFIG["methods"])


def scvi_at_scib_setting(adata, seed: int) -> np.ndarray:
    """n_layers 2, n_hidden 128, n_latent 30, nb; epochs = min(400, 20000 / n * 400); train on all cells."""
    import anndata
    import scvi
    import torch

    torch.set_num_threads(1)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    scvi.settings.seed = seed
    copy = anndata.AnnData(adata.layers["counts"].astype(np.float32), obs=adata.obs[["batch"]].copy())
    scvi.model.SCVI.setup_anndata(copy, batch_key="batch")
    model = scvi.model.SCVI(copy, n_layers=2, n_hidden=128, n_latent=30, gene_likelihood="nb")
    epochs = min(round(20000 / copy.n_obs * 400), 400)
    settings = {"train_size": 1.0, "batch_size": 128, "accelerator": "cpu", "enable_progress_bar": False}
    model.train(max_epochs=epochs, logger=None, **settings)
    return model.get_latent_representation().astype(np.float32)


def scanorama(adata, seed: int) -> np.ndarray:
    """Scanorama's integrate_scanpy at its defaults, 50 dimensions, batches in their order."""
    from scanorama import integrate_scanpy

    parts = [adata[(adata.obs["batch"] == batch).to_numpy()].copy() for batch in adata.obs["batch"].cat.categories]
    integrate_scanpy(parts, dimred=50, seed=seed)
    joined = pd.concat([pd.DataFrame(part.obsm["X_scanorama"], index=part.obs_names) for part in parts])
    return joined.loc[adata.obs_names].to_numpy(np.float32)


def vectors_of(adata, name: str, sources: list) -> dict:
    """Those that the workflow has made for the data set, else made here."""
    files = {source: options.prepared / name / "gene_knowledge" / f"{source}.npz" for source in sources}
    if not all(path.exists() for path in files.values()):
        return make_vectors(adata, sources, CONFIG["gene_knowledge"])[0]
    found = {source: read_gene_vectors(path, adata.var_names)[0] for source, path in files.items()}
    return {source: vectors for source, vectors in found.items() if vectors is not None}


def embed(method: str, name: str, adata, truth, seed: int) -> np.ndarray:
    if method in (others := {"scvi": scvi_at_scib_setting, "scanorama": scanorama}):
        return others[method](adata, seed)
    spec = REGISTRY[method]
    labels = truth["cell_type"].to_numpy() if spec.uses_labels else None
    data = method_input(adata, name, spec.input, labels)
    if spec.gene_vectors:
        data = replace(data, gene_vectors=vectors_of(adata, name, spec.gene_vectors))
    return run_method(spec.module, data, seed=seed, device="cpu", threads=1, params=spec.params).X


def scores_of(adata, truth, X: np.ndarray) -> pd.DataFrame:
    return score_embedding(
        X,
        pca=adata.obsm["X_pca"],
        batch=truth["batch"].to_numpy(),
        labels=truth["cell_type"].to_numpy(),
        phases=cell_cycle_phases(adata),
        metrics=CONFIG["metrics"],
    )


rows = []
for dataset in options.datasets or sorted(path.parent.name for path in options.prepared.glob("*/dataset.h5ad")):
    adata = read_dataset(options.prepared / dataset / "dataset.h5ad")
    truth = read_truth(options.prepared / dataset / "truth.tsv.gz", adata.obs_names)
    for method in options.methods:
        one_seed = method in REGISTRY and not REGISTRY[method].stochastic
        for seed in options.seeds[:1] if one_seed else options.seeds:
            stem = options.out / dataset / f"{method}_{seed}"
            if not stem.with_suffix(".npy").exists():
                if options.score_only:
                    continue
                stem.parent.mkdir(parents=True, exist_ok=True)
                wall, cpu = time.time(), time.process_time()
                X = embed(method, dataset, adata, truth, seed)
                record = {"seconds": time.time() - wall, "cpu": time.process_time() - cpu}
                stem.with_suffix(".json").write_text(json.dumps(record))
                np.save(stem.with_suffix(".npy"), X)
            if not stem.with_suffix(".tsv").exists():
                scores = scores_of(adata, truth, np.load(stem.with_suffix(".npy")))
                scores.to_csv(stem.with_suffix(".tsv"), sep="\t", index=False)
            scores = pd.read_csv(stem.with_suffix(".tsv"), sep="\t")
            groups = scores[scores["status"] == "ok"].groupby("group")["value"].mean()
            total = sum(weight * groups[group] for group, weight in CONFIG["metrics"]["weights"].items())
            seconds = json.loads(stem.with_suffix(".json").read_text())["seconds"]
            rows.append((dataset, method, seed, total, groups["bio"], groups["batch"], seconds))
            print(f"{dataset:24s} {method:20s} seed {seed}  total {total:.3f}  bio {groups['bio']:.3f}"
                  f"  batch {groups['batch']:.3f}  {seconds:.0f} s", flush=True)  # fmt: skip
table = pd.DataFrame(rows, columns=["dataset", "method", "seed", "total", "bio", "batch", "seconds"])
print("\nmean total (sd over seeds, number of seeds)")
by = table.groupby(["method", "dataset"])["total"]
shown = by.agg(lambda x: f"{x.mean():.3f} ({x.std() if len(x) > 1 else 0:.3f}, {len(x)})").unstack("dataset")
shown["mean"] = by.mean().unstack("dataset").mean(axis=1).round(3)
print(shown.loc[options.methods].to_string())
