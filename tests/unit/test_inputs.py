"""The files of the user are looked at before any job, all of them at once; see reliability.md."""

import gzip
import zipfile

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from scbench.config import load_config
from scbench.datasets.precheck import check_source, check_sources
from scbench.datasets.read import read_cells
from scbench.datasets.validate import standardise
from scbench.inputs import check_inputs
from scbench.plan import plan_runs
from scbench.registry import load_registry
from scbench.types import ConfigError

N = 80


@pytest.fixture
def cells():
    random = np.random.default_rng(0)
    counts = sparse.csr_matrix(random.poisson(1.0, (N, 30)).astype(np.float32))
    obs = pd.DataFrame({"lab": [f"lab_{i % 2}" for i in range(N)], "kind": [f"kind_{i % 3}" for i in range(N)]})
    obs = obs.assign(depth=random.normal(size=N), cell=[f"id_{i}" for i in range(N)], stage=np.arange(N) % 4)
    adata = anndata.AnnData(
        counts, obs.set_index(obs["cell"].to_numpy()), pd.DataFrame(index=[f"g{i}" for i in range(30)])
    )
    adata.layers["umi"], adata.layers["log"] = counts.copy(), counts.log1p()
    return adata


def settings(path, **more):
    return {"path": str(path), "batch_key": "lab", "label_key": "kind", **more}


def changed_file(write):
    """A case that writes a valid file and then damages it."""

    def make(cells, folder):
        cells.write_h5ad(folder / "mine.h5ad")
        write(folder / "mine.h5ad")
        return settings(folder / "mine.h5ad")

    return make


def changed_cells(change, **more):
    def make(cells, folder):
        change(cells)
        cells.write_h5ad(folder / "mine.h5ad")
        return settings(folder / "mine.h5ad", **more)

    return make


def inside(change):
    def write(path):
        with h5py.File(path, "r+") as file:
            change(file)

    return changed_file(write)


def text(name, content, **more):
    def make(_, folder):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return settings(folder / name, **more)

    return make


def replace(file, name, values):
    del file[name]
    file[name] = values


def with_metadata(content):
    def make(_, folder):
        (folder / "m.csv").write_text(content)
        (folder / "mine.tsv").write_text("gene\tc1\tc2\ng1\t1\t2\n")
        return settings(folder / "mine.tsv", metadata=str(folder / "m.csv"))

    return make


def set_obs(column, values):
    return lambda cells: cells.obs.__setitem__(column, values)


CASES = {
    "missing file": (lambda _, folder: settings(folder / "no.h5ad"), "no.h5ad: does not exist; check the path"),
    "empty file": (text("a.h5ad", ""), "a.h5ad: is empty; write or fetch it again"),
    "web page": (text("a.h5ad", "<!DOCTYPE html><html>404"), "a.h5ad: is a web page, not a file with cells"),
    "pointer of Git LFS": (text("a.h5ad", "version https://git-lfs.github.com/spec/v1"), "git lfs pull"),
    "text named .h5ad": (text("a.h5ad", "cells"), "a.h5ad: is not an HDF5 file; it may be incomplete"),
    "empty folder": (lambda _, folder: settings(folder), "is an empty folder; check the path"),
    "truncated file": (
        changed_file(lambda path: path.write_bytes(path.read_bytes()[:5000])),
        "mine.h5ad: is not a readable .h5ad or 10x .h5 file (",
    ),
    "signature only": (text("a.h5ad", b"\x89HDF\r\n\x1a\n" + bytes(100)), "is not a readable .h5ad"),
    "foreign HDF5 file": (
        changed_file(lambda path: h5py.File(path, "w").create_dataset("x", data=1).file.close()),
        "is neither a .h5ad nor a 10x .h5 file; it holds x",
    ),
    "no index of cells": (inside(lambda file: file["obs"].__delitem__("_index")), "obs has no index; write the file"),
    "no genes": (inside(lambda file: file.__delitem__("var")), "var has no index; write the file again"),
    "no X": (inside(lambda file: file.__delitem__("X")), "X does not exist; layers: log, umi"),
    "X without its values": (inside(lambda file: file["X"].__delitem__("data")), "X has no data; write the file again"),
    "X without its end": (
        inside(lambda file: replace(file, "X/indices", file["X/indices"][:-5])),
        "X is an incomplete sparse matrix; write the file again",
    ),
    "X of other cells": (
        inside(lambda file: file["X"].attrs.__setitem__("shape", (N + 1, 30))),
        "X is 81 x 30, but there are 80 cells and 30 genes",
    ),
    "column of other cells": (
        inside(lambda file: replace(file, "obs/lab/codes", file["obs/lab/codes"][:-1])),
        "obs column 'lab' has 79 values for 80 cells",
    ),
    "categories that do not exist": (
        inside(lambda file: replace(file, "obs/lab/codes", np.full(N, 7, np.int8))),
        "mine.h5ad: is not a readable .h5ad",
    ),
    "unknown batch_key": (changed_cells(lambda _: None, batch_key="no"), "'no' is no column of obs; columns: lab"),
    "unknown label_key": (changed_cells(lambda _: None, label_key="no"), "label_key 'no' is no column of obs"),
    "unknown level": (changed_cells(lambda _: None, label_key=["kind", "no"]), "label_key 'no' is no column of obs"),
    "unknown condition": (changed_cells(lambda _: None, condition_key="no"), "condition_key 'no' is no column of obs"),
    "unknown pseudotime": (
        changed_cells(lambda _: None, pseudotime_key="no"),
        "pseudotime_key 'no' is no column of obs",
    ),
    "unknown layer": (changed_cells(lambda _: None, counts_layer="no"), "'no' does not exist; layers: log, umi"),
    "unknown excluded batch": (
        changed_cells(lambda _: None, exclude_batches=["x"]),
        "names x, which is no batch; batches: lab_0",
    ),
    "batch without a value": (
        changed_cells(set_obs("lab", [None] * 3 + ["x"] * 77)),
        "batch_key 'lab' has no value for 3 cells",
    ),
    "type without a value": (
        changed_cells(set_obs("kind", [None] * 3 + ["x"] * 77)),
        "label_key 'kind' has no value for 3",
    ),
    "batch named nan": (
        changed_cells(set_obs("lab", ["nan"] * 3 + ["x"] * 77)),
        "has the name 'nan' for 3 cells, which reads",
    ),
    "type named NA": (
        changed_cells(set_obs("kind", ["NA"] * 9 + ["x"] * 71)),
        "has the name 'NA' for 9 cells, which reads",
    ),
    "type named None": (changed_cells(set_obs("kind", ["None"] * 9 + ["x"] * 71)), "has the name 'None' for 9 cells"),
    "continuous batches": (
        changed_cells(lambda _: None, batch_key="depth"),
        "holds numbers that are not whole, such as",
    ),
    "ids of cells as types": (changed_cells(lambda _: None, label_key="cell"), "has 80 different values for 80 cells"),
    "ids of cells as batches": (
        changed_cells(lambda _: None, batch_key="cell"),
        "has 80 different values for 80 cells",
    ),
    "batch of two cells": (
        changed_cells(set_obs("lab", ["a"] * 78 + ["b"] * 2)),
        "cannot be corrected or scored: b (2)",
    ),
    "logarithms": (
        changed_cells(lambda cells: setattr(cells, "X", cells.layers["log"])),
        "X does not hold raw counts (whole numbers, not negative); set counts_layer to a layer that does: umi",
    ),
    "logarithms in the layer": (
        changed_cells(lambda _: None, counts_layer="log"),
        "counts_layer 'log' does not hold raw",
    ),
    "negative values": (changed_cells(lambda cells: setattr(cells, "X", -cells.X)), "X does not hold raw counts"),
    "values that are not finite": (
        changed_cells(lambda cells: setattr(cells, "X", cells.X * np.nan)),
        "X does not hold raw",
    ),
    "complex values": (
        changed_cells(lambda cells: setattr(cells, "X", cells.X.astype(complex))),
        "X does not hold raw",
    ),
    "text without metadata": (text("a.csv", "gene,c1\ng1,1\n"), "a.csv: holds no batches; name a table of its cells"),
    "text of another separator": (
        lambda _, folder: (
            with_metadata("cell,lab,kind\nc1,a,x\n")(_, folder)
            | {"path": text("b.csv", "g\tc\ng\t1\n")(_, folder)["path"]}
        ),
        "columns must be separated by ','",
    ),
    "truncated .gz": (
        lambda _, folder: (
            with_metadata("cell,lab,kind\nc1,a,x\n")(_, folder)
            | {"path": text("b.tsv.gz", gzip.compress(b"gene\tc1\n" + bytes(range(256)) * 900)[:30])(_, folder)["path"]}
        ),
        "b.tsv.gz: is not a readable text table",
    ),
    "text that is not UTF-8": (
        lambda _, folder: (
            with_metadata("cell,lab,kind\nc1,a,x\n")(_, folder)
            | {"path": text("b.tsv", b"gene\t\xff\xfe\ng\t1\n")(_, folder)["path"]}
        ),
        "b.tsv: is not a readable text table ('utf-8' codec can't decode",
    ),
    "damaged .zip": (text("a.zip", "PK\x03\x04 and no more"), "a.zip: is not a readable archive"),
    "damaged .tar.gz": (text("a.tar.gz", "no archive"), "a.tar.gz: is not a readable archive"),
    "missing metadata": (
        lambda _, folder: text("a.csv", "g,c\n")(_, folder) | {"metadata": "no.csv"},
        "no.csv: does not exist",
    ),
    "metadata without the batch": (with_metadata("cell,kind\nc1,x\n"), "m.csv: batch_key 'lab' is no column of obs"),
    "metadata without a value": (
        with_metadata("cell,lab,kind\nc1,,x\n"),
        "m.csv: batch_key 'lab' has no value for 1 cells",
    ),
}


def test_the_trajectory_may_begin_after_the_first_rows_of_a_table(tmp_path):
    """The check before any job reads the first rows only; the first batch may be outside the trajectory."""
    rows = "".join(f"c{i},lab_{i % 2},x{i % 3},{i if i > 1500 else ''}\n" for i in range(2000))
    make = with_metadata("cell,lab,kind,dpt\n" + rows)
    check_source(make(None, tmp_path) | {"pseudotime_key": "dpt"})
    with pytest.raises(ValueError, match="'x0', which is no finite number"):
        check_source(make(None, tmp_path) | {"pseudotime_key": "kind"})


@pytest.mark.parametrize("case", CASES)
def test_a_source_that_cannot_be_used_is_found_before_any_job(cells, tmp_path, case):
    make, words = CASES[case]
    with pytest.raises(ValueError) as error:  # noqa: PT011  the words are checked below
        check_source(make(cells, tmp_path))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(tmp_path)) or case == "missing metadata"


@pytest.mark.parametrize("case", [*CASES])
def test_fetch_refuses_it_too(cells, tmp_path, case):
    """The glimpse promises nothing that the job does not hold."""
    given = CASES[case][0](cells, tmp_path)
    if case in ("batch of two cells", "pointer of Git LFS", "empty folder"):
        pytest.skip("found after the file is read, or not at all")
    with pytest.raises(ValueError) as error:  # noqa: PT011
        standardise(
            read_cells(given["path"], given.get("metadata")),
            source=given["path"],
            batch_key=given["batch_key"],
            label_key=given["label_key"],
            counts_layer=given.get("counts_layer"),
            condition_key=given.get("condition_key"),
            pseudotime_key=given.get("pseudotime_key"),
            exclude_batches=given.get("exclude_batches", ()),
        )
    assert ": " in str(error.value)


VALID = {
    "counts in X": {},
    "counts in a layer": {"counts_layer": "umi"},
    "values to round": {"counts_layer": "log", "round_counts": True},
    "no cell types": {"label_key": None},
    "several levels": {"label_key": ["kind", "stage"]},
    "whole numbers as batches": {"batch_key": "stage"},
    "a batch less": {"exclude_batches": ["lab_1"], "batch_key": "lab", "label_key": "kind"},
}


@pytest.mark.parametrize("case", VALID)
@pytest.mark.parametrize("form", ["csr", "csc", "dense"])
def test_a_valid_source_passes(cells, tmp_path, case, form):
    cells.X = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "dense": lambda X: X.toarray()}[form](cells.X)
    cells = cells if case != "a batch less" else anndata.concat([cells, cells], index_unique="-")
    cells.write_h5ad(tmp_path / "mine.h5ad")
    assert check_sources({"mine": settings(tmp_path / "mine.h5ad", **VALID[case])}) == []


def test_the_real_datasets_pass(shared_data):
    given = {
        path.stem: {"path": str(path), "batch_key": "batch", "label_key": "celltype"}
        for path in shared_data.glob("*.h5ad")
    }
    assert given
    assert check_sources(given) == []


# ---- all at once


def start(root, datasets, **more):
    overrides = {
        "benchmark": {"datasets": [*datasets], "methods": ["unintegrated", "gene_transformer"]},
        "datasets": datasets,
    }
    config = load_config(root / "config", overrides | more)
    registry = load_registry(config["methods"])
    return check_inputs(config, registry, plan_runs(config, registry))


def test_all_problems_of_all_files_are_reported_together(root, cells, tmp_path):
    cells.write_h5ad(tmp_path / "good.h5ad")
    table = tmp_path / "genes.csv"
    table.write_text("gene,membrane\nA,1\n")
    datasets = {
        "good": settings(tmp_path / "good.h5ad"),
        "absent": settings(tmp_path / "absent.h5ad"),
        "keyless": settings(tmp_path / "good.h5ad", label_key="no"),
    }
    with pytest.raises(ConfigError) as error:
        start(root, datasets, gene_knowledge={"tables": [str(table)]})
    first, *problems = str(error.value).splitlines()
    assert first == "3 problems with the data; nothing was started"
    assert problems[0] == f"datasets.absent: {tmp_path}/absent.h5ad: does not exist; check the path"
    assert "datasets.keyless" in problems[1]
    assert problems[2] == f"gene_knowledge.tables: {table}: has no column 'symbol'; found: gene, membrane"


GENE_TABLES = {
    "table of another format": ("genes.txt", "symbol\nA\n", "a table of gene knowledge is .xlsx, .csv, .tsv or .gmt"),
    "table without symbols": ("genes.csv", "gene,x\nA,1\n", "has no column 'symbol'; found: gene, x"),
    "empty table": ("genes.csv", "", "is not a readable table"),
    "table that is not UTF-8": ("genes.csv", b"symbol,x\nA,\xff\xfe\n", "is not a readable table"),
    "truncated table": ("genes.csv.gz", gzip.compress(b"symbol,x\nA,1\n" * 99)[:20], "is not a readable table"),
    "table that is no workbook": ("genes.xlsx", b"PK\x03\x04", "is not a readable table"),
}


@pytest.mark.parametrize("case", GENE_TABLES)
def test_a_bad_gene_table_is_found_before_any_job(root, tmp_path, case):
    name, content, words = GENE_TABLES[case]
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    datasets = {"mine": {"simulate": {"n_cells": 60}}}
    with pytest.raises(ConfigError) as error:
        start(root, datasets, gene_knowledge={"tables": [str(tmp_path / name)]})
    assert str(error.value).startswith(f"gene_knowledge.tables: {tmp_path / name}: ")
    assert words in str(error.value)


def test_columns_of_gene_tables_that_are_left_out_are_said(root, tmp_path):
    table = tmp_path / "genes.csv"
    table.write_text("symbol,membrane,length,text\nA,1,1200,channel\nB,0,300,kinase\n")
    datasets = {"mine": {"simulate": {"n_cells": 60}}}
    expected = ["gene_knowledge.tables: numbers other than 0 and 1 are left out: length"]
    assert start(root, datasets, gene_knowledge={"tables": [str(table)]}) == expected
    absent = {"tables": [str(tmp_path / "no.csv")]}
    assert start(root, datasets, gene_knowledge=absent) == [
        f"gene_knowledge.tables: {tmp_path}/no.csv does not exist and is left out"
    ]
    with pytest.raises(ConfigError, match="text_columns names 'words', which no table has; columns: membrane, length"):
        start(root, datasets, gene_knowledge={"tables": [str(table)], "text_columns": ["words"]})


def test_a_zip_that_is_whole_passes(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("matrix.mtx", "")
    check_source(settings(tmp_path / "a.zip"))
