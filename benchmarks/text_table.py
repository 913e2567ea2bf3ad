"""Measure time and memory of fetching and preparing a gzipped text table of genes x cells.

python benchmarks/text_table.py                              71,915 cells x 25,000 genes, the size of GSE149614
python benchmarks/text_table.py --cells 2000 --genes 1000 --folder tmp     smaller; keep the files

The table is simulated and written gene by gene: 6 cell types in 21 batches of unequal size, negative binomial counts,
about 90 % zeros, seed 0; its gene names include those of the cell cycle, so that `prepare` scores it. It is fetched
from a local HTTP server, then read, prepared and written as the rules `fetch` and `prepare` do, each in a new process.
Prints a Markdown table.
"""

import argparse
import gzip
import os
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from score_speed import ROOT, measure

sys.path.insert(0, str(ROOT / "workflow_scripts"))
from scbench.datasets.cell_cycle import G2M_GENES, S_GENES

FETCH = """
import sys
sys.path.insert(0, "workflow_scripts")
from pathlib import Path
from scbench.datasets.sources import read_source
from scbench.files import write_raw
folder = Path(sys.argv[1])
url = (folder / "url").read_text()
files = {"url": url + "/counts.txt.gz", "metadata": url + "/cells.txt.gz"}
settings = files | {"batch_key": "sample", "label_key": "celltype", "private_url": True}
raw = read_source(settings, folder=folder / "download", lock=folder / "downloads.lock")
write_raw(folder / "raw.h5ad", raw)
print(raw.shape, 1 - raw.X.nnz / raw.shape[0] / raw.shape[1], "zeros")
"""
PREPARE = """
import sys
sys.path.insert(0, "workflow_scripts")
from pathlib import Path
from scbench.config import load_config
from scbench.datasets.prepare import prepare
from scbench.files import read_raw, write_dataset, write_truth
folder = Path(sys.argv[1])
dataset, truth = prepare(read_raw(folder / "raw.h5ad"), **load_config(Path("config"), {})["preprocessing"])
write_dataset(folder / "dataset.h5ad", dataset)
write_truth(folder / "truth.tsv.gz", truth)
print(dataset.shape, dataset.uns["cell_cycle"])
"""


def write_table(folder: Path, n_cells: int, n_genes: int) -> None:
    """Write counts.txt.gz and cells.txt.gz; memory for one gene at a time."""
    random = np.random.default_rng(0)
    batch = np.sort(random.choice(21, n_cells, p=random.dirichlet(np.full(21, 3.0))))
    kind = random.choice(6, n_cells, p=random.dirichlet(np.full(6, 3.0)))
    cells = [f"HCC{b:02d}_{i:05d}" for i, b in enumerate(batch)]
    with gzip.open(folder / "cells.txt.gz", "wt") as file:
        file.write("Cell\tsample\tcelltype\n")
        file.writelines(f"{cell}\tS{b:02d}\ttype_{k}\n" for cell, b, k in zip(cells, batch, kind, strict=True))
    size = random.lognormal(0.0, 0.5, n_cells)
    known = [*S_GENES, *G2M_GENES]
    names = [known[i] if i < len(known) else f"GENE{i:05d}" for i in range(n_genes)]
    with gzip.open(folder / "counts.txt.gz", "wt", compresslevel=5) as file:
        file.write("\t".join(cells) + "\n")  # as GEO's file, without a name for the column of the genes
        for name in names:
            mean = random.lognormal(-3.8, 2.0) * np.exp(random.normal(0, 0.7, 6))[kind]
            mean = mean * np.exp(random.normal(0, 0.3, 21))[batch] * size
            counts = random.poisson(mean * random.standard_gamma(2.0, n_cells) / 2.0)
            file.write(name + "\t" + "\t".join(map(str, counts.tolist())) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=71915)
    parser.add_argument("--genes", type=int, default=25000)
    parser.add_argument("--folder", type=Path, help="keep the files there")
    given = parser.parse_args()
    os.environ["NO_PROXY"] = "127.0.0.1"
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "counts.txt.gz").exists():
            write_table(folder, given.cells, given.genes)
        handler = partial(SimpleHTTPRequestHandler, directory=folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (folder / "url").write_text(f"http://127.0.0.1:{server.server_port}")
        print(f"counts.txt.gz: {(folder / 'counts.txt.gz').stat().st_size / 1e6:.0f} MB\n")
        print("| step | seconds | CPU seconds | peak memory (MB) |\n|---|---|---|---|")
        for step, code in {"fetch": FETCH, "prepare": PREPARE}.items():
            seconds, cpu, memory = measure(code, folder)
            print(f"| {step} | {seconds:.0f} | {cpu:.0f} | {memory:.0f} |", flush=True)
        server.shutdown()


if __name__ == "__main__":
    main()
