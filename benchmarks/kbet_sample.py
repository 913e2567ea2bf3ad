"""Compare kBET of a sample of the cells, as in datasets of 50,000 cells or more, with that of all cells.

python benchmarks/kbet_sample.py            20,000 cells of one type for each embedding; another number as an argument

Prints a Markdown table: the share of cells that pass the test, the difference, and the CPU seconds of both. Seed 0.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent.parent / "workflow_scripts"))

from scbench.graphs.connectivities import connectivities
from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.metrics import kbet


def embeddings(n_cells: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return {what it is: (coordinates, batches)} of one cell type each."""
    random = np.random.default_rng(0)
    normal, four = random.standard_normal, random.integers(0, 4, n_cells)
    plane = 6 * random.random((n_cells, 2))
    mixed = 1 / (1 + np.exp(-1.2 * np.sin(2 * plane[:, 0]) - 0.8 * np.cos(3 * plane[:, 1])))
    curved = np.sin(plane @ normal((2, 20))) + 0.1 * normal((n_cells, 20))
    twenty = random.integers(0, 20, n_cells)
    wide = normal((n_cells, 10)) * np.geomspace(3, 0.5, 10)
    eight = normal((n_cells, 8))
    bands = 0.5 + 0.45 * np.sign(np.sin(6 * eight[:, 0]))
    flat = normal((n_cells, 3)) @ normal((3, 20)) + 0.1 * normal((n_cells, 20))
    return {
        "50 dimensions, batches at random": (normal((n_cells, 50)), four),
        "50 dimensions, small shifts": (normal((n_cells, 50)) + 0.25 * normal((4, 50))[four], four),
        "3 of 20 dimensions, small shifts": (flat + 0.08 * normal((4, 20))[four], four),
        "curved surface, shares of batches vary": (curved, random.random(n_cells) < mixed),
        "10 dimensions, 20 batches with shifts": (wide + 0.3 * normal((20, 10))[twenty], twenty),
        "8 dimensions, batches in narrow bands": (eight, random.random(n_cells) < bands),
    }


def passed(graph, batch: np.ndarray, exact_below: float) -> tuple[float, float]:
    """Return the share of cells that pass, and the CPU seconds."""
    kbet.EXACT_BELOW = exact_below
    start = time.process_time()
    accepted = kbet.kbet_accepted(graph, batch, np.zeros(len(batch)))
    return float(np.nanmean(accepted)), time.process_time() - start


def main(n_cells: int) -> None:
    rows = []
    with threadpool_limits(1):
        for name, (X, batch) in embeddings(n_cells).items():
            graph = connectivities(*nearest_of_each_cell(X, 50))
            (full, slow), (sample, fast) = passed(graph, batch, np.inf), passed(graph, batch, 0)
            row = {"embedding": name, "all cells": full, "sample": sample, "difference": sample - full}
            rows.append(row | {"CPU s, all": round(slow, 1), "CPU s, sample": round(fast, 1)})
    print(pd.DataFrame(rows).to_markdown(index=False, floatfmt=["", ".4f", ".4f", "+.4f", ".1f", ".1f"]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
