"""Compare training speed (cells per second) with scVI: same data, architecture, minibatch size and threads.

.venv/bin/python benchmarks/training_speed.py results/development/kang_pbmc_5donors/dataset.h5ad
"""

import argparse
import contextlib
import io
import logging
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("dataset", help="a dataset.h5ad of the workflow")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--epochs", type=int, default=3, help="epochs per measurement, after one for warm-up")
parser.add_argument("--repeats", type=int, default=5)
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))
warnings.simplefilter("ignore")

import anndata  # noqa: E402
import numpy as np  # noqa: E402
import scvi  # noqa: E402
import torch  # noqa: E402

from scbench.autoencoders.count_vae import CountVae  # noqa: E402
from scbench.autoencoders.parameters import CountVaeParameters  # noqa: E402
from scbench.files import read_dataset  # noqa: E402
from scbench.neural.cells import Cells, Counts  # noqa: E402
from scbench.neural.training import train  # noqa: E402
from scbench.prepared import method_input  # noqa: E402

torch.set_num_threads(options.threads)
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
adata = read_dataset(options.dataset)
data = method_input(adata, "data", "counts")


def ours(**architecture):
    same = {"encoder_norm": "batch", "decoder_norm": "batch", "activation": "relu"}
    options = CountVaeParameters(latent_dim=30, hidden=(128, 128), condition="one_hot", **(same | architecture))
    model = CountVae(options, n_genes=data.X.shape[1], n_batches=len(data.batch_names))
    cells = Cells("cpu", {"counts": Counts.of(data), "batch": data.batch})
    weights = {"reconstruction": 1.0, "kl": 1.0}

    def fit(epochs):
        train(model, cells, weights=lambda _: weights, epochs=epochs, learning_rate=1e-3, seed=0, batch_size=128)

    return fit


def theirs():
    copy = anndata.AnnData(data.X.astype(np.float32), obs=adata.obs[["batch"]].copy())
    scvi.model.SCVI.setup_anndata(copy, batch_key="batch")
    model = scvi.model.SCVI(copy, n_layers=2, n_hidden=128, n_latent=30, gene_likelihood="nb")
    settings = {"train_size": 1.0, "batch_size": 128, "accelerator": "cpu", "enable_progress_bar": False}
    return lambda epochs: model.train(max_epochs=epochs, logger=None, **settings)


def seconds(fit) -> tuple[float, float]:
    """Return wall and CPU seconds; CPU seconds exclude other programs on the machine."""
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        fit(options.epochs)
    return time.perf_counter() - wall, time.process_time() - cpu


fits = {
    "scVI": theirs(),
    "same architecture": ours(),
    "cvae_nb": ours(decoder_norm="layer", activation="gelu", dropout=0.3, prior="mog", dispersion="gene_batch"),
}
for fit in fits.values():
    with contextlib.redirect_stdout(io.StringIO()):
        fit(1)
rates = {name: ([], []) for name in fits}
for _ in range(options.repeats):
    for name, fit in fits.items():
        for kept, spent in zip(rates[name], seconds(fit), strict=True):
            kept.append(options.epochs * data.n_cells / spent)
print(f"{data.n_cells} cells x {data.X.shape[1]} genes, minibatches of 128, {options.threads} threads, "
      f"scvi-tools {scvi.__version__}")  # fmt: skip
print("model               cells/s   ratio   cells/CPU s   ratio   (medians; ratio: median over side-by-side pairs)")
for name, found in rates.items():
    shown = f"{name:18s}"
    for mine, reference in zip(found, rates["scVI"], strict=True):
        ratio = statistics.median(a / b for a, b in zip(mine, reference, strict=True))
        shown += f"{statistics.median(mine):10.0f}   {ratio:5.2f}"
    print(shown)
