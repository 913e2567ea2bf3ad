"""How many of the nearest neighbours the approximate search finds, and its CPU seconds.

    .venv/bin/python benchmarks/neighbour_recall.py 100000 300000

One thread. Data: `blobs`, 20 types in 10 dimensions, as an embedding has them; `scaled`, 50 principal components of
simulated counts scaled per batch, mostly noise, the hardest that the project searches. The recall is that of 1,000
cells against all cells. Prints a Markdown table.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from scbench.datasets.prepare import lognormalise
from scbench.datasets.simulate import simulate
from scbench.graphs import neighbours
from scbench.metric_learning.scaling import BatchScaling, principal_components
from scbench.runner import limited

N_ASKED = 1000
SETTINGS = {"default": (neighbours.ROWS_PER_CENTRE, neighbours.ITERATIONS), "as in FAISS": (256, 10)}


def blobs(n_cells: int) -> np.ndarray:
    random = np.random.default_rng(0)
    return (
        random.normal(size=(n_cells, 10)) + 8 * random.normal(size=(20, 10))[random.integers(0, 20, n_cells)]
    ).astype("f4")


def scaled(n_cells: int) -> np.ndarray:
    adata = simulate(n_cells=n_cells, n_genes=1000, n_types=8, n_batches=4)
    X = lognormalise(adata.X, np.asarray(adata.X.sum(axis=1), float).ravel(), 1e4)
    batch = adata.obs["batch"].cat.codes.to_numpy().astype(np.int64)
    return principal_components(X, batch, BatchScaling.of(X, batch), 50)


def exact(X: np.ndarray, asked: np.ndarray, k: int) -> np.ndarray:
    """Return the indices of the k nearest rows of X, itself included, for the rows `asked`."""
    before, neighbours.EXACT_BELOW = neighbours.EXACT_BELOW, len(X) + 1
    try:
        return neighbours.nearest(X, X[asked], k)[0]
    finally:
        neighbours.EXACT_BELOW = before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", type=int, nargs="+", help="numbers of cells, above 50,000")
    rows = []
    with limited(1):
        for n_cells in parser.parse_args().cells:
            for make in (blobs, scaled):
                X = make(n_cells)
                asked = np.random.default_rng(1).choice(n_cells, N_ASKED, replace=False)
                true = exact(X, asked, 90)
                for name, (neighbours.ROWS_PER_CENTRE, neighbours.ITERATIONS) in SETTINGS.items():
                    begin = time.process_time()
                    found = neighbours.nearest(X, X, 90)[0][asked]
                    row = {
                        "cells": n_cells,
                        "data": make.__name__,
                        "k-means": name,
                        "CPU s": time.process_time() - begin,
                    }
                    for k in (15, 90):
                        shared = [len(np.intersect1d(a[:k], b[:k])) for a, b in zip(true, found, strict=True)]
                        row[f"recall of {k}"] = np.mean(shared) / k
                    rows.append(row)
                    print(row, file=sys.stderr, flush=True)
    print(pd.DataFrame(rows).round(3).to_markdown(index=False))


if __name__ == "__main__":
    main()
