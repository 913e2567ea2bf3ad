"""The workflow downloads a dataset from a web server on this machine."""

import gzip
import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import scipy.io

from scbench.datasets.simulate import simulate
from scbench.files import read_dataset
from scbench.gene_knowledge.tables import read_tables

TARGET = "results/atlas/dataset.h5ad"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A served folder with counts and a table of cells; returns (folder, address)."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    cells = simulate(n_cells=120, n_genes=80, n_types=3, n_batches=2, seed=0)
    with gzip.open(tmp_path / "counts.txt.gz", "wt") as file:
        file.write("\t".join(cells.obs_names) + "\n")
        for gene, counts in zip(cells.var_names, cells.X.toarray().T, strict=True):
            file.write(gene + "\t" + "\t".join(map(str, counts)) + "\n")
    cells.obs.to_csv(tmp_path / "cells.csv")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_dataset_by_url_is_fetched_locked_and_described(project, served):
    folder, address = served
    dataset = {
        "url": f"{address}/counts.txt.gz",
        "metadata": f"{address}/cells.csv",
        "private_url": True,
        "batch_key": "batch",
        "label_key": "cell_type",
        "citation": "Somebody 2026",
        "licence": "CC BY 4.0",
        "doi": "10.1/x",
    }
    benchmark = {"datasets": ["atlas"], "methods": ["unintegrated"], "seeds": [0]}
    project.configure({"benchmark": benchmark, "datasets": {"atlas": dataset}, "preprocessing": {"n_pcs": 5}})
    project.run(TARGET)
    assert read_dataset(project.folder / TARGET).n_obs == 120
    lock = project.folder / "config" / "downloads.lock"
    assert sorted(line.split("  ")[1] for line in lock.read_text().splitlines()) == [
        f"{address}/cells.csv",
        f"{address}/counts.txt.gz",
    ]
    described = {"datasets": {"atlas": {"citation": "Somebody else 2026", "licence": "CC0"}}}
    assert project.planned(described, TARGET) == {}, "a citation changes no result"
    assert "fetch" in project.planned({"datasets": {"atlas": {"exclude_batches": ["batch_1"]}}}, TARGET)

    (folder / "counts.txt.gz").write_bytes(gzip.compress(b"other"))
    shutil.rmtree(project.results)
    done = project.snakemake(TARGET, "--configfile", "tiny.yaml", "more.yaml")
    assert done.returncode != 0
    log = (project.results / "logs/atlas/fetch.log").read_text()
    assert "wrong sha256" in log.splitlines()[-1]
    assert "config/downloads.lock says" in log.splitlines()[-1]


def test_folders_of_10x_by_path_are_one_dataset_with_a_batch_per_folder(project):
    cells = simulate(n_cells=120, n_genes=80, n_types=3, n_batches=2, seed=0)
    for batch in ("batch_1", "batch_2"):
        folder = project.folder / "data" / batch / "filtered_feature_bc_matrix"
        folder.mkdir(parents=True)
        part = cells[cells.obs["batch"] == batch]
        scipy.io.mmwrite(folder / "matrix.mtx", part.X.T.tocoo(), field="integer")
        (folder / "barcodes.tsv").write_text("".join(f"{cell}\n" for cell in part.obs_names))
        (folder / "features.tsv").write_text("".join(f"E\t{gene}\tGene Expression\n" for gene in part.var_names))
    dataset = {"path": "data", "batch_key": "sample", "label_key": None}
    benchmark = {"datasets": ["tenx"], "methods": ["unintegrated"], "seeds": [0]}
    project.configure({"benchmark": benchmark, "datasets": {"tenx": dataset}, "preprocessing": {"n_pcs": 5}})
    project.run("results/tenx/dataset.h5ad")
    assert list(read_dataset(project.folder / "results/tenx/dataset.h5ad").obs["batch"]) == sorted(cells.obs["batch"])
    assert project.planned({}, "results/tenx/dataset.h5ad") == {}

    inside = project.folder / "data/batch_1/filtered_feature_bc_matrix/matrix.mtx"
    time = inside.stat().st_mtime - 1e6
    inside.write_text(inside.read_text().replace("general\n", "general\n% another version of the file\n"))
    os.utime(inside, (time, time))
    assert "fetch" in project.planned({}, "results/tenx/dataset.h5ad"), "an older file took the place of the input"


def test_the_gene_table_is_made_of_public_sources_by_url(project, served):
    folder, address = served
    columns = "symbol\tname\tstatus\tlocus_group\tgene_group\tentrez_id\n"
    (folder / "names.txt").write_text(columns + "AAA1\tfirst\tApproved\tprotein-coding gene\t\t11\n")
    sources = {"names": f"{address}/names.txt", "summaries": None, "pathways": None}
    project.configure({"gene_knowledge": {"sources": sources, "private_url": True}})
    project.run("gene_table")
    for name in ("genes.tsv.gz", "genes.xlsx"):
        table = read_tables([project.results / "gene_table" / name])
        assert table.loc["AAA1"].to_dict() | {"gene_group": ""} == {
            "name": "first",
            "gene_group": "",
            "class: protein-coding gene": 1,
        }
    assert f"{address}/names.txt" in (project.folder / "config/downloads.lock").read_text()
