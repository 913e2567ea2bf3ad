"""Text tables, folders of 10x, .zarr and archives."""

import gzip
import io
import os
import shutil
import tarfile
import zipfile

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.io
from scipy import sparse

from scbench.datasets.read import read_cells
from scbench.datasets.text_table import read_genes_by_cells

COUNTS = np.array([[0, 2, 5], [1, 0, 3]])  # cells x genes
BATCHES = pd.DataFrame({"batch": ["p", "q"]}, index=["c1", "c2"])


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def write_10x(folder, *, version=3, packed=True, prefix="", barcodes=("c1", "c2"), counts=COUNTS, genes="g1 g2 g2"):
    """A folder as Cell Ranger 2 or 3 writes it, with names that are packed or not."""
    end = ".gz" if packed else ""
    matrix = io.BytesIO()
    scipy.io.mmwrite(matrix, sparse.coo_matrix(counts.T), field="integer")
    written(folder / f"{prefix}matrix.mtx{end}", matrix.getvalue().decode())
    written(folder / f"{prefix}barcodes.tsv{end}", "".join(f"{barcode}\n" for barcode in barcodes))
    kinds = [""] * 3 if version == 2 else ["\tGene Expression"] * 3
    features = "".join(f"E{i}\t{gene}{kind}\n" for i, (gene, kind) in enumerate(zip(genes.split(), kinds, strict=True)))
    written(folder / f"{prefix}{'genes' if version == 2 else 'features'}.tsv{end}", features)
    return folder


@pytest.fixture
def metadata(tmp_path):
    return written(tmp_path / "meta.tsv", "cell\tbatch\nc2\tq\nc1\tp\n")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", ["{}", "{}.0", '"{}"', "{:.1e}"])
def test_a_streamed_table_holds_what_pandas_reads(tmp_path, seed, form):
    random = np.random.default_rng(seed)
    counts = random.poisson(0.3, (9, 7)) * random.choice([1, 10, 12345678], (9, 7))
    counts = counts if form != "{:.1e}" else np.minimum(counts, 9)
    text = "gene,a,b,c,d,e,f,g\n" + "".join(
        f"g{i}," + ",".join(map(form.format, row)) + "\n" for i, row in enumerate(counts)
    )
    path = written(tmp_path / "t.csv", text)
    adata, table = read_genes_by_cells(path), pd.read_csv(path, index_col=0)
    np.testing.assert_array_equal(adata.X.toarray(), table.to_numpy(dtype=float).T)
    assert adata.X.dtype == np.int32
    assert adata.X.has_sorted_indices
    assert adata.X.data.all(), "no zero is stored"
    assert list(adata.obs_names) == list(table.columns)
    assert list(adata.var_names) == list(table.index)


@pytest.mark.parametrize(
    "text",
    [
        "gene\tc1\tc2\r\ng1\t0\t1\r\ng2\t2\t0\r\ng3\t5\t3",
        "\ufeffgene\tc1\tc2\ng1\t0\t1\n\ng2\t2\t0\ng3\t5\t3\n",
        '"c1"\t"c2"\n"g1"\t0\t1\n"g2"\t2\t0\n"g3"\t5\t3\n',
        '""\t"c1"\t"c2"\n"g1"\t0\t1\n"g2"\t2\t0\n"g3"\t5\t3\n',
    ],
    ids=["windows", "mark and empty line", "R", "R with a corner"],
)
def test_line_ends_quotes_and_corners_of_other_programs_are_understood(tmp_path, text):
    adata = read_genes_by_cells(written(tmp_path / "t.txt.gz", text))
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)
    assert list(adata.obs_names) == ["c1", "c2"]
    assert list(adata.var_names) == ["g1", "g2", "g3"]


def test_quoted_gene_names_may_hold_separators_and_quotes(tmp_path):
    path = written(tmp_path / "t.csv", 'gene,c1\n"NKX2,1",3\n"5""UTR",4\n')
    assert list(read_genes_by_cells(path).var_names) == ["NKX2,1", '5"UTR']


def test_values_that_are_not_whole_are_kept_as_they_are(tmp_path):
    adata = read_genes_by_cells(written(tmp_path / "t.tsv", "gene\tc1\tc2\ng1\t0.5\t0\ng2\t7\t-2.25\n"))
    np.testing.assert_array_equal(adata.X.toarray(), [[0.5, 7], [0, -2.25]])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gene\tc1\tc2\ng1\t1\n", "line 2 has 1 values, the first line names 3 columns|line 2 has 1 values"),
        ("gene\tc1\tc2\ng1\t1\t2\ng2\t1\t2\t3\n", "line 3 has 3 values, the first line names 3 columns"),
        ("c1\tc2\ng1\t1\t2\ng2\t1\n", "line 3 has 1 values"),
        ("gene\tc1\tc2\ng1\t1\tNA\n", "line 2, g1: 'NA' is not a number"),
        ("gene\tc1\tc2\ng1\t\t1\n", "line 2, g1: '' is not a number"),
        ("gene\tc1\ng1\t1\ng\x00\xff\t\x01\n", "line 3.*is not a number"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, text, problem):
    path = written(tmp_path / "t.tsv", text)
    with pytest.raises(ValueError, match=problem) as error:
        read_genes_by_cells(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["t.tsv.gz", "meta.tsv.gz"])
def test_a_truncated_gzip_file_is_named(tmp_path, name):
    random = np.random.default_rng(0)
    table = "gene\tc1\tc2\n" + "".join(f"g{i}\t{random.integers(9)}\t{random.integers(9)}\n" for i in range(2000))
    cells = "cell\tbatch\nc1\tp\nc2\tq\n" + "".join(f"x{i}\t{random.integers(9)}\n" for i in range(2000))
    paths = {"t.tsv.gz": written(tmp_path / "t.tsv.gz", table), "meta.tsv.gz": written(tmp_path / "meta.tsv.gz", cells)}
    assert read_cells(*paths.values()).n_vars == 2000
    paths[name].write_bytes(paths[name].read_bytes()[:-500])
    with pytest.raises(ValueError, match=name) as error:
        read_cells(*paths.values())
    assert "end-of-stream" in str(error.value)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("prefix", ["", "GSM1_liver_"])
def test_a_10x_folder_of_every_version_is_read(tmp_path, metadata, version, packed, prefix):
    folder = write_10x(tmp_path / "sample", version=version, packed=packed, prefix=prefix)
    for path in (folder, folder.parent / "sample" / f"{prefix}matrix.mtx{'.gz' if packed else ''}"):
        adata = read_cells(path, metadata)
        np.testing.assert_array_equal(adata.X.toarray(), COUNTS)
        assert list(adata.var_names) == ["g1", "g2", "g2-1"]
        assert list(adata.var["gene_ids"]) == ["E0", "E1", "E2"]
        assert list(adata.obs["batch"]) == ["p", "q"]
    with pytest.raises(ValueError, match="holds no batches; name a table of its cells under the key metadata"):
        read_cells(folder)


def test_features_that_are_not_genes_are_left_out(tmp_path, metadata):
    folder = write_10x(tmp_path / "sample", packed=False)
    features = folder / "features.tsv"
    features.write_text(features.read_text().replace("g1\tGene Expression", "CD3\tAntibody Capture"))
    np.testing.assert_array_equal(read_cells(folder, metadata).X.toarray(), COUNTS[:, 1:])


def test_several_10x_folders_are_one_dataset_with_their_samples(tmp_path):
    for sample, times in (("a", 1), ("b", 10)):
        write_10x(tmp_path / "all" / "run" / sample / "filtered_feature_bc_matrix", counts=COUNTS * times)
    adata = read_cells(tmp_path / "all")
    assert list(adata.obs_names) == ["a_c1", "a_c2", "b_c1", "b_c2"]
    assert list(adata.obs["sample"]) == ["a", "a", "b", "b"]
    np.testing.assert_array_equal(adata.X.toarray(), np.vstack([COUNTS, COUNTS * 10]))
    write_10x(tmp_path / "all" / "run" / "c", genes="g1 g2 g3")
    with pytest.raises(ValueError, match=r"c/matrix.mtx.gz: has other genes than .*a/filtered"):
        read_cells(tmp_path / "all")


def test_samples_are_told_by_the_prefixes_of_geo(tmp_path):
    for prefix in ("GSM1_P1_", "GSM2_P2_"):
        write_10x(tmp_path / "raw", prefix=prefix)
    assert list(read_cells(tmp_path / "raw").obs["sample"]) == ["GSM1_P1"] * 2 + ["GSM2_P2"] * 2


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (
            lambda folder: (folder / "barcodes.tsv").unlink(),
            r"matrix.mtx: there is no barcodes.tsv \(also .gz\) beside it",
        ),
        (lambda folder: (folder / "features.tsv").unlink(), "matrix.mtx: there is no features.tsv or genes.tsv"),
        (
            lambda folder: (folder / "barcodes.tsv").write_text("c1\n"),
            "is 3 x 2, but there are 3 features and 1 barcodes",
        ),
        (lambda folder: (folder / "matrix.mtx").write_text("hello\n"), "matrix.mtx: is not a readable Matrix Market"),
        (lambda folder: (folder / "barcodes.tsv").write_text(""), "barcodes.tsv: is not a readable table"),
    ],
)
def test_an_incomplete_10x_folder_is_refused_by_name(tmp_path, damage, problem):
    folder = write_10x(tmp_path / "sample", packed=False)
    damage(folder)
    with pytest.raises(ValueError, match=problem):
        read_cells(folder)


def archived(folder, path):
    if path.suffix == ".zip":
        return shutil.make_archive(str(path.with_suffix("")), "zip", folder)
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as tarred:
        tarred.add(folder, arcname=".")
    return path


@pytest.mark.parametrize("name", ["raw.tar.gz", "raw.tgz", "raw.tar", "raw.zip"])
@pytest.mark.parametrize("kind", ["10x", "h5ad", "text", "zarr"])
def test_an_archive_is_read_like_its_content(tmp_path, metadata, name, kind):
    folder = tmp_path / "content"
    cells = anndata.AnnData(X=sparse.csr_matrix(COUNTS.astype(np.float32)), obs=BATCHES)
    if kind == "10x":
        write_10x(folder)
    elif kind == "text":
        written(folder / "t.tsv.gz", "gene\tc1\tc2\ng1\t0\t1\ng2\t2\t0\ng3\t5\t3\n")
    else:
        folder.mkdir()
        getattr(cells, f"write_{kind}")(folder / f"cells.{kind}")
    written(folder / "__MACOSX" / "._cells", "clutter")
    written(folder / ".DS_Store", "clutter")
    before = set(os.listdir(tmp_path))
    archive = archived(folder, tmp_path / name)
    adata = read_cells(archive, metadata if kind in ("10x", "text") else None)
    np.testing.assert_array_equal(np.asarray(adata.X.todense()), COUNTS)
    assert list(adata.obs["batch"]) == ["p", "q"]
    assert set(os.listdir(tmp_path)) == before | {name}


def test_a_zarr_store_is_read_and_a_damaged_one_named(tmp_path):
    anndata.AnnData(X=COUNTS.astype(np.float32), obs=BATCHES).write_zarr(tmp_path / "cells.zarr")
    assert list(read_cells(tmp_path / "cells.zarr").obs["batch"]) == ["p", "q"]
    for path in (tmp_path / "cells.zarr" / "obs").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"cells.zarr: is not a readable .zarr"):
        read_cells(tmp_path / "cells.zarr")


def test_an_archive_with_two_files_or_none_names_what_it_holds(tmp_path):
    for name in ("a.csv", "b.csv"):
        written(tmp_path / "two" / name, "gene,c1\ng1,1\n")
    with pytest.raises(
        ValueError, match=r"two.tar.gz: holds no matrix.mtx, no .zarr and not one single file, but a.csv, b.csv"
    ):
        read_cells(archived(tmp_path / "two", tmp_path / "two.tar.gz"))
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="but nothing; give"):
        read_cells(tmp_path / "none")


def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path):
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tarred:
        entry = tarfile.TarInfo("../out.csv")
        tarred.addfile(entry, io.BytesIO(b""))
    with pytest.raises(ValueError, match="cannot be unpacked"):
        read_cells(tmp_path / "evil.tar.gz")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as zipped:
        zipped.writestr("../../out.csv", "gene,c1\ng1,1\n")
    with pytest.raises(ValueError, match="holds no batches"):
        read_cells(tmp_path / "evil.zip")  # zipfile drops the dots
    assert not list(tmp_path.parent.glob("out.csv"))


@pytest.mark.parametrize("name", ["raw.tar.gz", "raw.zip"])
def test_a_truncated_archive_is_named(tmp_path, name):
    archive = archived(write_10x(tmp_path / "content"), tmp_path / name)
    with open(archive, "r+b") as file:
        file.truncate(os.path.getsize(archive) // 2)
    with pytest.raises(ValueError, match=name):
        read_cells(archive)
