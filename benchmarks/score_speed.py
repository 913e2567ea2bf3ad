"""Measure time, CPU time and memory of scoring one embedding, with this library and the Benchmarker of scib-metrics.

python benchmarks/score_speed.py                    10,000 cells, both
python benchmarks/score_speed.py 100000 ours        100,000 cells, ours only

Data: simulated, 10 cell types in 4 batches, 50 dimensions, seed 0. Metrics: the preset scib. Each measurement runs in a
new process; the Benchmarker has no cache of compiled code. Prints a Markdown table.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS = """
import sys
sys.path.insert(0, "workflow_scripts")
from pathlib import Path
import anndata
from scbench.config import load_config
from scbench.metrics.suite import score_embedding
data = anndata.read_h5ad(sys.argv[1])
batch, labels = data.obs["batch"].to_numpy().astype(str), data.obs["cell_type"].to_numpy().astype(str)
metrics = load_config(Path("config"), {"metrics": {"preset": "scib"}})["metrics"]
scores = score_embedding(data.obsm["X_emb"], pca=data.obsm["X_pca"], batch=batch, labels=labels, metrics=metrics)
assert (scores["status"] == "ok").all(), scores
print(scores[["metric", "value"]].to_string())
"""
THEIRS = """
import sys
import anndata
from scib_metrics.benchmark import BatchCorrection, Benchmarker, BioConservation
data = anndata.read_h5ad(sys.argv[1])
bench = Benchmarker(
    data, "batch", "cell_type", ["X_emb"],
    bio_conservation_metrics=BioConservation(nmi_ari_cluster_labels_leiden=True),
    batch_correction_metrics=BatchCorrection(),
    pre_integrated_embedding_obsm_key="X_pca", n_jobs=2, progress_bar=False,
)
bench.benchmark()
print(bench.get_results().to_string())
"""


def simulate(n_cells: int, path: Path) -> None:
    import anndata
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    types, batch = random.choice(10, n_cells, p=random.dirichlet(np.full(10, 3.0))), random.integers(0, 4, n_cells)
    batch[(types == 9) & (batch == 0)] = 1
    centres, shifts = 2.5 * random.standard_normal((10, 50)), 0.8 * random.standard_normal((4, 50))
    pca = random.standard_normal((n_cells, 50)) + centres[types] + shifts[batch]
    embedding = random.standard_normal((n_cells, 50)) + 0.6 * centres[types] + 0.4 * shifts[batch]
    obs = pd.DataFrame({"batch": batch, "cell_type": types}, index=[f"cell_{i}" for i in range(n_cells)])
    obs = obs.astype(str).astype("category")
    obsm = {"X_pca": pca.astype(np.float32), "X_emb": embedding.astype(np.float32)}
    anndata.AnnData(X=np.zeros((n_cells, 1), dtype=np.float32), obs=obs, obsm=obsm).write_h5ad(path)


def measure(code: str, data: Path) -> tuple[float, float, float]:
    """Return seconds, CPU seconds and peak memory in MB of a new Python process that runs `code`."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", code, str(data)], cwd=ROOT, stdout=sys.stderr)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed with status {status}")
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    n_cells = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    chosen = sys.argv[2:] or ["ours", "Benchmarker"]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.h5ad"
        simulate(n_cells, data)
        print("| cells | program | seconds | CPU seconds | peak memory (MB) |\n|---|---|---|---|---|")
        for name in chosen:
            seconds, cpu, memory = measure({"ours": OURS, "Benchmarker": THEIRS}[name], data)
            print(f"| {n_cells} | {name} | {seconds:.1f} | {cpu:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
