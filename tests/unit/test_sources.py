"""The way of a dataset from a web server to raw counts."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest

from scbench.datasets.lock import read_lock
from scbench.datasets.prepare import prepare
from scbench.datasets.simulate import simulate
from scbench.datasets.sources import read_source
from scbench.files import write_raw

SETTINGS = {"n_top_genes": 40, "hvg_batch_aware": True, "target_sum": 1e4, "n_pcs": 5, "min_cells_per_gene": 3}
KEYS = {"batch_key": "sample", "label_key": "celltype", "private_url": True}


@pytest.fixture(scope="module")
def cells():
    return simulate(n_cells=200, n_genes=100, n_types=3, n_batches=2, seed=0)


def as_text(cells):
    """The cells as GEO has them: genes x cells with a header of cell ids only, and a table of cells."""
    counts = cells.X.toarray().T
    rows = [
        "\t".join(cells.obs_names),
        *(f"{g}\t" + "\t".join(map(str, row)) for g, row in zip(cells.var_names, counts, strict=True)),
    ]
    columns = zip(cells.obs_names, cells.obs["batch"], cells.obs["cell_type"], strict=True)
    metadata = ["Cell\tsample\tsite\tcelltype", *(f"{i}\t{batch}\tTumor\t{kind}" for i, batch, kind in columns)]
    return [gzip.compress(("\n".join(lines) + "\n").encode()) for lines in (rows, metadata[:1] + metadata[:0:-1])]


@pytest.fixture
def atlas(serve_files, cells, tmp_path):
    """A function that serves the cells as text and reads them; its attribute `server` is the server."""

    def read(**more):
        here = read.server.address
        settings = {"url": f"{here}/counts.txt.gz", "metadata": f"{here}/cells.txt.gz", **KEYS, **more}
        return read_source(settings, folder=tmp_path / "download", lock=tmp_path / "downloads.lock")

    counts, metadata = as_text(cells)
    read.server = serve_files({"/counts.txt.gz": counts, "/cells.txt.gz": metadata})
    return read


def test_text_and_metadata_by_url_become_the_dataset_they_were_written_from(atlas, cells, tmp_path):
    raw = atlas()
    write_raw(tmp_path / "raw.h5ad", raw)
    assert (raw.X != cells.X).nnz == 0
    assert raw.X.dtype == np.int32
    assert list(raw.obs["batch"]) == list(cells.obs["batch"])
    assert list(raw.obs["cell_type"]) == list(cells.obs["cell_type"])
    ours, theirs = prepare(raw, **SETTINGS)[0], prepare(cells, **SETTINGS)[0]
    np.testing.assert_array_equal(ours.obsm["X_pca"], theirs.obsm["X_pca"])


def test_checksums_of_both_files_are_recorded_and_enforced(atlas, tmp_path):
    first = atlas()
    lock = read_lock(tmp_path / "downloads.lock")
    expected = {path: hashlib.sha256(content).hexdigest() for path, content in atlas.server.files.items()}
    assert lock == {atlas.server.address + path: digest for path, digest in expected.items()}
    assert (atlas().X != first.X).nnz == 0
    assert len(atlas.server.paths) == 2, "nothing is fetched twice"
    atlas.server.files["/cells.txt.gz"] = gzip.compress(b"Cell\tsample\tcelltype\n")
    for path in (tmp_path / "download").rglob("cells.txt.gz"):
        path.unlink()
    with pytest.raises(ValueError, match=r"cells.txt.gz: wrong sha256.* since the first download"):
        atlas()
    with pytest.raises(ValueError, match=r"wrong sha256.*the configuration says 0000"):
        atlas(metadata_sha256="0" * 64)


def test_a_cut_connection_is_resumed(atlas, cells):
    atlas.server.drops = 2
    assert (atlas().X != cells.X).nnz == 0
    assert [asked is None for asked in atlas.server.asked] == [True, False, False, True]


@pytest.mark.parametrize("path", ["/counts.txt.gz", "/cells.txt.gz"])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: None, "the server answered 404 Not Found; check the url"),
        (lambda content: b"<html>Just a moment...</html>", "a web page, not a file"),
        (lambda content: content[: len(content) // 2], "incomplete or damaged"),
        (lambda content: b"", "an empty file"),
    ],
)
def test_a_bad_answer_is_one_sentence_leaves_no_file_and_no_checksum_and_the_next_try_works(
    atlas, cells, tmp_path, path, change, problem
):
    right = atlas.server.files[path]
    atlas.server.files[path] = change(right)
    with pytest.raises(ValueError, match=problem) as error:
        atlas()
    assert f"url {atlas.server.address}{path}: " in str(error.value)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "download").rglob(f"*{path[1:]}*"))
    assert atlas.server.address + path not in read_lock(tmp_path / "downloads.lock")
    atlas.server.files[path] = right
    assert (atlas().X != cells.X).nnz == 0


def test_an_archive_of_10x_folders_by_url_brings_its_samples_as_batches(serve_files, tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tarred:
        for sample in ("one", "two"):
            files = {
                "matrix.mtx": "%%MatrixMarket matrix coordinate integer general\n2 2 3\n1 1 4\n2 1 1\n2 2 7\n",
                "genes.tsv": "E1\tg1\nE2\tg2\n",
                "barcodes.tsv": "AAA-1\nCCC-1\n",
            }
            for name, text in files.items():
                entry = tarfile.TarInfo(f"{sample}/hg19/{name}")
                entry.size = len(text)
                tarred.addfile(entry, io.BytesIO(text.encode()))
    server = serve_files({"/raw.tar.gz": packed.getvalue()})
    settings = {"url": server.address + "/raw.tar.gz", **KEYS, "label_key": None}
    raw = read_source(settings, folder=tmp_path, lock=tmp_path / "lock")
    assert list(raw.obs_names) == ["one_AAA-1", "one_CCC-1", "two_AAA-1", "two_CCC-1"]
    assert list(raw.obs["batch"]) == ["one", "one", "two", "two"]
    np.testing.assert_array_equal(raw.X.toarray(), [[4, 1], [0, 7]] * 2)


@pytest.mark.parametrize("bad", ["/counts.txt.gz", "/cells.txt.gz"])
def test_an_error_message_in_place_of_a_file_does_not_block_the_next_start(atlas, tmp_path, bad):
    good = atlas.server.files[bad]
    atlas.server.files[bad] = b'{"error": "too many requests"}'
    with pytest.raises(
        ValueError, match=rf"the download of {atlas.server.address}{bad} was deleted, run again"
    ) as error:
        atlas()
    assert str(error.value).count("was deleted") == 1
    assert (f"{atlas.server.address}{bad}" in read_lock(tmp_path / "downloads.lock")) is False
    assert len(read_lock(tmp_path / "downloads.lock")) == 1, "the other file stays"
    atlas.server.files[bad] = good
    assert atlas().n_obs == 200


def test_a_wrong_key_costs_no_download(atlas, tmp_path):
    atlas()
    before = read_lock(tmp_path / "downloads.lock")
    with pytest.raises(ValueError, match="batch_key 'none' is no column"):
        atlas(batch_key="none")
    assert read_lock(tmp_path / "downloads.lock") == before
