"""How long the check of the user's files before any job takes: made-up .h5ad files, most of each an empty hole.

    python benchmarks/input_check.py --files 10 --values 125000000

125 million values and indices are 1 GB per file. Prints the sizes of the files, the wall and CPU seconds.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from scbench.datasets.precheck import check_sources

N_CELLS, N_GENES = 200_000, 30_000


def make(path: Path, n_values: int) -> None:
    """Write a file whose values are allocated but never written, apart from the last one."""
    with h5py.File(path, "w") as file:
        obs, var, X = (file.create_group(name) for name in ("obs", "var", "X"))
        for table, size in ((obs, N_CELLS), (var, N_GENES)):
            table.attrs["_index"] = "_index"
            table["_index"] = np.arange(size).astype("S8")
        for name, n_groups in {"batch": 8, "celltype": 20}.items():
            obs[f"{name}/codes"] = (np.arange(N_CELLS) % n_groups).astype(np.int8)
            obs[f"{name}/categories"] = np.array([f"{name} {group}" for group in range(n_groups)], dtype="S20")
        obs.attrs["column-order"] = ["batch", "celltype"]
        X.attrs["shape"] = (N_CELLS, N_GENES)
        for name, kind in {"data": "f4", "indices": "i4"}.items():
            X.create_dataset(name, shape=(n_values,), dtype=kind)[-1] = 1
        X["indptr"] = np.linspace(0, n_values, N_CELLS + 1).astype(np.int64)


def main(arguments: list[str] | None = None) -> None:
    """Make the files in a temporary folder, check them, and delete them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--values", type=int, default=125_000_000, help="values of each file that are not zero")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        paths = {f"data_{place}": Path(folder) / f"{place}.h5ad" for place in range(options.files)}
        for path in paths.values():
            make(path, options.values)
        keys = {"batch_key": "batch", "label_key": "celltype"}
        wall, used = time.perf_counter(), time.process_time()
        problems = check_sources({name: {"path": str(path), **keys} for name, path in paths.items()})
        wall, used = time.perf_counter() - wall, time.process_time() - used
        size = sum(path.stat().st_size for path in paths.values())
        print(f"{len(paths)} files of {size / 1e9:.2f} GB: {wall:.2f} s, {used:.2f} CPU s, {len(problems)} problems")


if __name__ == "__main__":
    main()
