"""Measure time and peak memory of scDML for different numbers of simulated cells, each in a separate process.

    .venv/bin/python benchmarks/scdml_scaling.py --cells 2000 10000 50000 200000 --epochs 1 --out scaling.svg

Prints a table, and draws it if --out is given. Time depends on the number of epochs, memory does not. Without --epochs,
the method uses its default number of epochs.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))


def simulated(n_cells: int, n_genes: int, n_batches: int):
    """Return log-normalised cells of 8 types, (n_cells, n_genes) sparse, and the codes of their batches, (n_cells,)."""
    import numpy as np

    from scbench.datasets.prepare import lognormalise
    from scbench.datasets.simulate import simulate

    adata = simulate(n_cells=n_cells, n_genes=n_genes, n_types=8, n_batches=n_batches)
    totals = np.asarray(adata.X.sum(axis=1), dtype=float).ravel()
    X = lognormalise(adata.X, np.maximum(totals, 1), 1e4)
    return X, adata.obs["batch"].cat.codes.to_numpy().astype(np.int64)


def simulate(path: Path, n_cells: int, n_genes: int, n_batches: int) -> None:
    """Write the cells and batches of `simulated`."""
    import numpy as np
    from scipy import sparse

    X, batch = simulated(n_cells, n_genes, n_batches)
    sparse.save_npz(path / "x.npz", X, compressed=False)
    np.save(path / "batch.npy", batch)


def measure(path: Path, method: str, threads: int, epochs: int | None) -> None:
    """Run the method on the output of `simulate`; print seconds, and memory in MB before the run and at the peak."""
    import numpy as np
    from scipy import sparse

    from scbench.runner import call
    from scbench.types import Dataset

    X, batch = sparse.load_npz(path / "x.npz"), np.load(path / "batch.npy")
    names = tuple(f"batch_{code}" for code in np.unique(batch))
    genes = np.array([f"gene_{i}" for i in range(X.shape[1])])
    data = Dataset("simulated", X, batch, names, genes, np.asarray(X.sum(axis=1)).ravel(), np.zeros((len(batch), 1)))
    before, wall, cpu = _peak_mb(), time.perf_counter(), time.process_time()
    params = {"epochs": epochs} if epochs else {}
    call(method, data, seed=0, device="cpu", threads=threads, params=params)
    found = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps(found | {"data_mb": before, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def draw(rows: list[dict], out: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    panels = {"cpu_seconds": "CPU time (s)", "peak_mb": "Peak memory (MB)"}
    for axes, (key, label) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        axes.plot([row["cells"] for row in rows], [row[key] for row in rows], marker="o")
        axes.set(xlabel="Cells", ylabel=label, xlim=(0, None), ylim=(0, None))
    figure.savefig(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[2000, 10000, 50000, 200000])
    parser.add_argument("--genes", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--method", default="scdml")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)  # internal, for child processes
    args = parser.parse_args()
    if args.step:
        name, folder, n_cells = args.step
        if name == "simulate":
            simulate(Path(folder), int(n_cells), args.genes, args.batches)
        else:
            measure(Path(folder), args.method, args.threads, args.epochs)
        return
    rows = []
    print("cells", "seconds", "cpu_seconds", "data_mb", "peak_mb", sep="\t")
    for n_cells in args.cells:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("simulate", "measure"):
                command = [sys.executable, __file__, *sys.argv[1:], "--step", name, folder, str(n_cells)]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows.append({"cells": n_cells, **json.loads(output.splitlines()[-1])})
        print(*(round(value, 1) for value in rows[-1].values()), sep="\t", flush=True)
    if args.out:
        draw(rows, args.out)


if __name__ == "__main__":
    main()
