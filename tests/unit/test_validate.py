import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from scbench.datasets.prepare import prepare
from scbench.datasets.read import read_cells
from scbench.datasets.validate import standardise
from scbench.files import write_raw

COUNTS = np.array([[0, 2, 5], [0, 0, 0], [1, 0, 3], [4, 1, 0]])


def user_data(X=COUNTS, **columns):
    obs = {"lab": [10, 20, 10, 20], "kind": pd.Categorical(["x", "z", "y", "x"]), "age": 1.0} | columns
    return anndata.AnnData(
        X=X if X is None or sparse.issparse(X) else np.asarray(X, dtype=np.float32),
        obs=pd.DataFrame(obs, index=["a", "b", "c", "d"]),
        var=pd.DataFrame(index=["g1", "g1", "g2"]),
    )


def check(adata, **options):
    defaults = {"source": "mine.h5ad", "batch_key": "lab", "label_key": "kind", "counts_layer": None}
    return standardise(adata, **{**defaults, **options})


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_counts_of_any_form_become_the_raw_contract(tmp_path, form):
    adata = user_data()
    adata.layers["umi"] = form(COUNTS.astype(np.float64))
    adata.X = np.log1p(adata.X)
    result = check(adata, counts_layer="umi")
    write_raw(tmp_path / "raw.h5ad", result)
    assert sparse.isspmatrix_csr(result.X)
    assert result.X.dtype == np.int32
    np.testing.assert_array_equal(result.X.toarray(), COUNTS[[0, 2, 3]])


def test_only_batch_and_cell_type_remain_as_categories_of_text():
    result = check(user_data())
    assert list(result.obs) == ["batch", "cell_type"]
    assert list(result.obs["batch"]) == ["10", "10", "20"]
    assert list(result.obs["cell_type"].cat.categories) == ["x", "y"]
    assert list(check(user_data(), label_key=None).obs) == ["batch"]


def test_empty_cells_are_dropped_and_counted():
    result = check(user_data())
    assert list(result.obs_names) == ["a", "c", "d"]
    assert result.uns["dropped_empty_cells"] == 1


def test_names_become_unique_and_the_input_stays_as_it_was():
    adata = user_data()
    adata.obs_names = ["a", "b", "a", "d"]
    result = check(adata)
    assert result.var_names.is_unique
    assert result.obs_names.is_unique
    assert list(adata.var_names) == ["g1", "g1", "g2"]
    assert list(adata.obs) == ["lab", "kind", "age"]
    np.testing.assert_array_equal(adata.X, COUNTS)


@pytest.mark.parametrize("wrong", [np.log1p(COUNTS), COUNTS - 1.0, COUNTS * 1.5, np.where(COUNTS > 4, np.nan, COUNTS)])
def test_anything_but_counts_is_refused(wrong):
    for X in (wrong, sparse.csr_matrix(wrong)):
        with pytest.raises(ValueError, match=r"mine.h5ad: X does not hold raw counts .*; no layer does either"):
            check(user_data(X))


def test_the_layers_that_hold_counts_are_named():
    adata = user_data(np.log1p(COUNTS))
    adata.layers["scaled"], adata.layers["umi"] = adata.X * 2, COUNTS.copy()
    with pytest.raises(ValueError, match=r"set counts_layer to a layer that does: umi$"):
        check(adata)
    with pytest.raises(ValueError, match=r"counts_layer 'scaled' does not hold raw counts"):
        check(adata, counts_layer="scaled")
    with pytest.raises(ValueError, match=r"counts_layer 'raw' does not exist; layers: scaled, umi"):
        check(adata, counts_layer="raw")


def test_counts_in_x_or_raw_are_pointed_out():
    adata = user_data()
    adata.layers["log"] = np.log1p(COUNTS)
    with pytest.raises(ValueError, match=r"X does: set counts_layer to null"):
        check(adata, counts_layer="log")
    adata.raw = adata.copy()
    adata.X = np.log1p(adata.X)
    with pytest.raises(ValueError, match=r"adata.raw does: save"):
        check(adata)


def test_a_file_without_x_or_without_any_count_is_refused():
    with pytest.raises(ValueError, match="X does not hold raw counts"):
        check(user_data(None))
    with pytest.raises(ValueError, match="no cell has any counts"):
        check(user_data(np.zeros((4, 3))))


@pytest.mark.parametrize("key", ["batch_key", "label_key"])
def test_an_unknown_column_is_named_with_the_columns_there_are(key):
    with pytest.raises(ValueError, match=f"mine.h5ad: {key} 'nope' is no column of obs; columns: lab, kind, age"):
        check(user_data(), **{key: "nope"})


def test_missing_values_are_counted():
    with pytest.raises(ValueError, match=r"batch_key 'lab' has no value for 2 cells; remove these cells or name their"):
        check(user_data(lab=["p", None, np.nan, "q"]))
    with pytest.raises(
        ValueError, match=r"label_key 'kind' has no value for 2 cells; remove these cells or set label_key"
    ):
        check(user_data(kind=pd.Categorical(["x", None, " ", "y"])))


def test_a_count_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"a count is above 2147483647"):
        check(user_data(COUNTS * 1e12))


def test_the_real_data_sets_pass_from_file_to_dataset(shared_data):
    for path in sorted(shared_data.glob("*.h5ad")):
        raw = check(read_cells(path), source=path, batch_key="batch", label_key="celltype")
        settings = {"n_top_genes": 500, "hvg_batch_aware": True, "target_sum": 1e4, "n_pcs": 10}
        dataset, truth = prepare(raw, **settings, min_cells_per_gene=3)
        assert dataset.n_vars == 500
        assert (truth["cell_type"] != "").all()


def test_batches_are_excluded_before_anything_else_is_checked():
    X = np.array([[0, 2, 5], [0.5, 0, 0], [1, 0, 3], [0.5, 1, 0]])
    result = check(user_data(X), exclude_batches=["20"])
    assert list(result.obs["batch"].cat.categories) == ["10"]
    np.testing.assert_array_equal(result.X.toarray(), X[[0, 2]])
    with pytest.raises(ValueError, match="exclude_batches names 30, which is no batch; batches: 10, 20"):
        check(user_data(), exclude_batches=["20", "30"])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_values_are_rounded_only_on_demand(form):
    adata = user_data(form(np.array([[0, 1.6, 5], [0.4, 1, 0], [1, 0, 3], [4, 1, 0]])))
    with pytest.raises(ValueError, match="round_counts"):
        check(adata)
    before = adata.copy()
    np.testing.assert_array_equal(check(adata, round_counts=True).X.toarray()[:2], [[0, 2, 5], [0, 1, 0]])
    assert (abs(adata.X - before.X)).sum() == 0
    adata.X = adata.X * -1
    with pytest.raises(ValueError, match="does not hold raw counts"):
        check(adata, round_counts=True)
