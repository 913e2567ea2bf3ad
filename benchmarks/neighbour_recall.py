"""The share of true nearest neighbours that the approximate search finds (recall), and its CPU seconds.

    .venv/bin/python benchmarks/neighbour_recall.py 100000 300000

One thread, on two kinds of data. `blobs` is like an embedding: 20 types in 10 dimensions. `scaled` has 50 principal
components of simulated counts, scaled in every batch; they are mostly noise, and no data of the project are harder to
search. Recall is measured for 1,000 cells, whose true neighbours are searched exactly. Prints a Markdown table.
"""

import argparse
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import pandas as pd
from scdml_scaling import simulated

from scbench.graphs import neighbours
from scbench.metric_learning.scaling import BatchScaling, principal_components
from scbench.runner import limited

N_ASKED = 1000
SETTINGS = {"default": (neighbours.ROWS_PER_CENTRE, neighbours.ITERATIONS), "as in FAISS": (256, 10)}


def blobs(n_cells: int) -> np.ndarray:
    random = np.random.default_rng(0)
    cells, centres = random.normal(size=(n_cells, 10)), 8 * random.normal(size=(20, 10))
    return (cells + centres[random.integers(0, 20, n_cells)]).astype(np.float32)


def scaled(n_cells: int) -> np.ndarray:
    X, batch = simulated(n_cells, 1000, 4)
    return principal_components(X, batch, BatchScaling.of(X, batch), 50)


def exact(X: np.ndarray, asked: np.ndarray, k: int) -> np.ndarray:
    """Return the indices of the k rows of X nearest to each of the rows `asked`, the row itself included."""
    before, neighbours.EXACT_BELOW = neighbours.EXACT_BELOW, len(X) + 1
    try:
        return neighbours.nearest(X, X[asked], k)[0]
    finally:
        neighbours.EXACT_BELOW = before


def measure(X: np.ndarray, asked: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Return the CPU seconds of a search for 90 neighbours of every cell, and the recall of the cells `asked`."""
    begin = time.process_time()
    found = neighbours.nearest(X, X, 90)[0][asked]
    row = {"CPU s": time.process_time() - begin}
    for k in (15, 90):
        shared = [len(np.intersect1d(a[:k], b[:k])) for a, b in zip(true, found, strict=True)]
        row[f"recall of {k}"] = np.mean(shared) / k
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", type=int, nargs="+", help="numbers of cells, at least 50,000")
    rows = []
    with limited(1):
        for n_cells, make in product(parser.parse_args().cells, (blobs, scaled)):
            X = make(n_cells)
            asked = np.random.default_rng(1).choice(n_cells, N_ASKED, replace=False)
            true = exact(X, asked, 90)
            for name, (neighbours.ROWS_PER_CENTRE, neighbours.ITERATIONS) in SETTINGS.items():
                rows.append({"cells": n_cells, "data": make.__name__, "k-means": name, **measure(X, asked, true)})
                print(rows[-1], file=sys.stderr, flush=True)
    print(pd.DataFrame(rows).round(3).to_markdown(index=False))


if __name__ == "__main__":
    main()
