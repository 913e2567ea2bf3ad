import gzip

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from scbench.datasets.read import read_cells

COUNTS = np.array([[0, 2, 5], [1, 0, 3]])  # cells x genes
METADATA = "cell\tbatch\tkind\nc2\tb\ty\nc1\ta\tx\nc9\ta\tx\n"


def write(path, text):
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        file.write(text)
    return path


def table(separator, corner="gene"):
    return f"{corner}c1,c2\ng1,0,1\ng2,2,0\ng3,5,3\n".replace("genec1", "gene,c1").replace(",", separator)


def write_10x(path):
    matrix = sparse.csc_matrix(COUNTS.T)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(matrix, name)
        group["shape"] = np.array(matrix.shape)
        group["barcodes"] = np.array([b"c1", b"c2"])
        features = group.create_group("features")
        features["id"] = np.array([b"E1", b"E2", b"E3"])
        features["name"] = np.array([b"g1", b"g2", b"g2"])
        features["feature_type"] = np.array([b"Gene Expression"] * 3)
        features["genome"] = np.array([b"x"] * 3)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t.csv.gz", "t.tsv.gz", "t.TXT"])
def test_a_text_table_becomes_cells_by_genes_with_its_metadata(tmp_path, name):
    path = write(tmp_path / name, table("," if ".csv" in name else "\t"))
    adata = read_cells(path, write(tmp_path / "meta.tsv", METADATA))
    assert adata.X.format == "csr"
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)
    assert list(adata.var_names) == ["g1", "g2", "g3"]
    assert list(adata.obs["batch"]) == ["a", "b"]
    assert list(adata.obs["kind"]) == ["x", "y"]


def test_tables_of_r_without_a_name_for_the_first_column_are_read(tmp_path):
    path = write(tmp_path / "t.tsv", table("\t", corner=""))
    metadata = write(tmp_path / "meta.tsv", METADATA.replace("cell\t", ""))
    adata = read_cells(path, metadata)
    assert list(adata.obs_names) == ["c1", "c2"]
    assert list(adata.obs["batch"]) == ["a", "b"]


def test_cell_ids_that_look_like_numbers_stay_text(tmp_path):
    path = write(tmp_path / "t.csv", "gene,007,08\ng1,1,2\n")
    adata = read_cells(path, write(tmp_path / "meta.csv", "cell,batch\n007,1\n08,2\n"))
    assert list(adata.obs["batch"]) == ["1", "2"]


def test_a_10x_file_gets_unique_gene_names_and_its_metadata(tmp_path):
    adata = read_cells(write_10x(tmp_path / "m.h5"), write(tmp_path / "meta.tsv", METADATA))
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)
    assert list(adata.var_names) == ["g1", "g2", "g2-1"]
    assert list(adata.obs["batch"]) == ["a", "b"]


@pytest.mark.parametrize("name", ["a.h5ad", "24539828"])
def test_an_h5ad_is_known_by_its_content_and_needs_no_metadata(tmp_path, name):
    obs = pd.DataFrame({"batch": ["p", "q"]}, index=["c1", "c2"])
    anndata.AnnData(X=COUNTS.astype(float), obs=obs).write_h5ad(tmp_path / name)
    assert list(read_cells(tmp_path / name).obs["batch"]) == ["p", "q"]
    joined = read_cells(tmp_path / name, write(tmp_path / "meta.tsv", METADATA))
    assert list(joined.obs["batch"]) == ["a", "b"]


@pytest.mark.parametrize("name", ["m.h5", "t.tsv"])
def test_files_without_batches_need_metadata(tmp_path, name):
    path = write_10x(tmp_path / name) if name == "m.h5" else write(tmp_path / name, table("\t"))
    with pytest.raises(ValueError, match=f"{name}: holds no batches; name a table of its cells under the key metadata"):
        read_cells(path)


def test_other_cells_in_the_metadata_are_an_error_that_names_files_and_examples(tmp_path):
    path = write(tmp_path / "t.tsv", table("\t"))
    metadata = write(tmp_path / "meta.tsv", "cell\tbatch\nc1-1\ta\nc2\tb\n")
    with pytest.raises(
        ValueError, match=r"meta.tsv: lacks 1 of the 2 cells of .*t.tsv has c1; .*meta.tsv has c1-1, c2"
    ):
        read_cells(path, metadata)


def test_a_cell_that_stands_twice_in_the_metadata_is_an_error(tmp_path):
    path = write(tmp_path / "t.tsv", table("\t"))
    with pytest.raises(ValueError, match=r"meta.tsv: the cell id 'c1' stands twice"):
        read_cells(path, write(tmp_path / "meta.tsv", METADATA + "c1\tb\ty\n"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.rds", "?", "unknown format; give .h5ad"),
        ("x.h5ad", "<html>", "is not an HDF5 file"),
        ("x.csv", "gene,c1\ng1,many\n", "numbers only"),
        ("x.tsv", "gene,c1\ng1,1\n", "columns must be separated by"),
        ("x.tsv", "", "needs genes x cells"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path, name, content, message):
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=message) as error:
        read_cells(path)
    assert str(path) in str(error.value)


def test_a_missing_file_and_a_foreign_hdf5_file_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"no.h5ad: does not exist"):
        read_cells(tmp_path / "no.h5ad")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["something"] = 1
    with pytest.raises(ValueError, match=r"other.h5: is neither a readable .h5ad nor a 10x .h5 file"):
        read_cells(tmp_path / "other.h5")
