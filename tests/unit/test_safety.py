"""Files that lead to other files, run code, or would fill memory or disk are refused before their content is read."""

import gzip
import io
import json
import re
import tarfile
import zipfile

import anndata
import h5py
import pytest

from scbench.datasets import content, safety
from scbench.datasets.external import check_source as check_embedding
from scbench.datasets.precheck import check_source
from scbench.datasets.read import read_cells
from scbench.datasets.simulate import simulate
from scbench.parameters import ParameterError

KEYS = {"batch_key": "batch", "label_key": None}


@pytest.fixture
def h5ad(tmp_path):
    path = tmp_path / "cells.h5ad"
    simulate(n_cells=120, n_genes=60, n_types=2, n_batches=2, seed=0).write_h5ad(path)
    return path


def external_link(file, other):
    del file["obs/batch"]
    file["obs/batch"] = h5py.ExternalLink(other, "obs/batch")


def external_link_deep_inside(file, other):
    file["uns/a/b/c"] = h5py.ExternalLink(other, "/")


def external_storage(file, other):
    file.create_dataset("uns/secret", (4,), "u1", external=[(other, 0, 4)])


def virtual_dataset(file, other):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(other, "secret", (4,))
    file.create_virtual_dataset("obsm/X", layout)


@pytest.mark.parametrize("edit", [external_link, external_link_deep_inside, external_storage, virtual_dataset])
def test_a_file_that_leads_to_another_file_is_refused_before_it_is_read(h5ad, tmp_path, monkeypatch, edit):
    with h5py.File(h5ad, "r+") as file:
        file.require_group("uns")
        edit(file, str(tmp_path / "other"))
    (tmp_path / "other").write_bytes(b"root")
    monkeypatch.setattr(anndata, "read_h5ad", lambda *_: pytest.fail("was read"))
    for check in (read_cells, lambda path: check_source({"path": str(path), **KEYS})):
        with pytest.raises(ValueError, match=r"another file.*; write the data into the file itself") as error:
            check(h5ad)
        assert str(error.value).startswith(str(h5ad))
    with pytest.raises(ParameterError, match="another file"):
        check_embedding({"path": str(h5ad), "obsm": "X"})


def test_links_inside_a_file_are_followed(h5ad):
    with h5py.File(h5ad, "r+") as file:
        file["obs/again"] = h5py.SoftLink("/obs/batch")
        file["uns/itself"] = file["uns"]
    check_source({"path": str(h5ad), **KEYS})
    with h5py.File(h5ad) as file:
        assert safety.problem_of_hdf5(file) == ""


def test_a_file_that_claims_terabytes_is_refused(h5ad):
    with h5py.File(h5ad, "r+") as file:
        file.create_dataset("layers/large", (10**7, 10**6), "f4", chunks=(1000, 1000))
    assert h5ad.stat().st_size < 1e6
    with pytest.raises(
        ValueError, match=r"cells.h5ad: unpacks to 40,000 GB .* above the limit of the [\d,]+ GB of mem"
    ):
        read_cells(h5ad)


def zarr_of(path, **changes):
    (path / "X").mkdir(parents=True)
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    array = {"zarr_format": 2, "shape": [10], "chunks": [10], "dtype": "<f4", "compressor": None, "filters": None}
    (path / "X" / ".zarray").write_text(json.dumps(array | changes))
    return path


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"shape": [10**7, 10**6]}, "unpacks to 40,000 GB"),
        ({"dtype": "|O", "filters": [{"id": "pickle", "protocol": 5}]}, "holds pickled Python objects, which can run"),
    ],
)
def test_a_zarr_that_claims_terabytes_or_holds_pickles_is_refused(tmp_path, changes, problem):
    with pytest.raises(ValueError, match=problem):
        read_cells(zarr_of(tmp_path / "cells.zarr", **changes))


@pytest.fixture
def small_machine(monkeypatch):
    monkeypatch.setattr(safety, "memory", lambda: 100_000)
    monkeypatch.setattr(safety, "SPARE", 0)
    monkeypatch.setattr(safety.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1_000_000}))


BOMB = gzip.compress(bytes(5_000_000))


def tar_of(names):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 2_000_000
            file.addfile(entry, io.BytesIO(bytes(2_000_000)))
    return packed.getvalue()


def zip_of(names):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, bytes(2_000_000))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "packed", "limit"),
    [
        ("a.csv.gz", BOMB, "4 times the 0 GB of memory of this machine"),
        ("matrix.mtx.gz", BOMB, "4 times the 0 GB of memory of this machine"),
        ("a.tar.gz", tar_of(["a.csv"]), r"limit is 0.0 GB, what is free in .*; .* set TMPDIR to a larger folder"),
        ("a.zip", zip_of(["a.csv"]), r"limit is 0.0 GB, what is free in .*; .* set TMPDIR to a larger folder"),
    ],
)
def test_a_file_that_unpacks_to_more_than_fits_meets_a_limit(small_machine, tmp_path, name, packed, limit):
    path = tmp_path / name
    path.write_bytes(packed)
    for other in ("barcodes.tsv", "features.tsv"):
        (tmp_path / other).write_text("a\n")
    assert path.stat().st_size < 20_000
    with pytest.raises(ValueError, match=rf"{name}: unpacks to .* or more, .*{limit}"):
        read_cells(path)


def test_a_table_of_cells_and_a_download_meet_the_limit(small_machine, h5ad, tmp_path, monkeypatch):
    path = tmp_path / "cells.csv.gz"
    path.write_bytes(BOMB)
    assert "unpacks to" in content.problem_of(path)
    monkeypatch.setattr("scbench.datasets.read.check_hdf5_size", lambda *_: None)
    with pytest.raises(ValueError, match=r"cells\.csv\.gz: unpacks to"):
        read_cells(h5ad, path)


def test_a_matrix_market_file_that_claims_terabytes_is_refused(tmp_path):
    header = "%%MatrixMarket matrix coordinate integer general\n"
    (tmp_path / "matrix.mtx").write_text(header + f"{10**6} {10**7} {10**12}\n1 1 1\n")
    for name in ("barcodes.tsv", "features.tsv"):
        (tmp_path / name).write_text("a\n")
    with pytest.raises(ValueError, match=r"matrix.mtx: unpacks to 24,000 GB or more, above the limit"):
        read_cells(tmp_path)


def test_no_code_of_the_library_unpickles(root):
    source = "\n".join(path.read_text() for path in (root / "workflow_scripts").rglob("*.py"))
    for word in (
        "import pickle",
        "read_pickle",
        "allow_pickle=True",
        "weights_only=False",
        "joblib.load",
        "import dill",
    ):
        assert word not in source
    calls = re.findall(r"torch\.load\(([^)]*)\)", source)
    assert calls
    assert all("weights_only=True" in call for call in calls)
