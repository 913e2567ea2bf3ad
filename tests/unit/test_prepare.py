import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
from scipy import sparse
from sklearn.decomposition import PCA

from scbench.datasets.cell_cycle import G2M_GENES, S_GENES
from scbench.datasets.prepare import lognormalise, prepare, rank_genes
from scbench.datasets.simulate import simulate
from scbench.files import read_dataset, read_truth, write_dataset, write_truth
from scbench.types import ContractError

SETTINGS = {"n_top_genes": 40, "hvg_batch_aware": True, "target_sum": 1e4, "n_pcs": 5, "min_cells_per_gene": 3}


@pytest.fixture(scope="module")
def raw():
    return simulate(n_cells=240, n_genes=150, n_types=3, n_batches=3, library_size=600)


def made(counts, batch=None, genes=None):
    obs = pd.DataFrame({"batch": pd.Categorical(batch if batch is not None else ["a"] * len(counts))})
    obs.index = [f"c{i}" for i in range(len(counts))]
    var = pd.DataFrame(index=genes if genes is not None else [f"g{i}" for i in range(counts.shape[1])])
    return anndata.AnnData(X=sparse.csr_matrix(counts.astype(np.int32)), obs=obs, var=var)


def test_the_result_keeps_its_contract_through_files(raw, tmp_path):
    dataset, truth = prepare(raw, **SETTINGS)
    write_dataset(tmp_path / "dataset.h5ad", dataset)
    write_truth(tmp_path / "truth.tsv.gz", truth)
    back, truth = read_dataset(tmp_path / "dataset.h5ad"), read_truth(tmp_path / "truth.tsv.gz", raw.obs_names)
    assert back.shape == (240, 40)
    assert back.layers["counts"].dtype == np.int32
    assert back.X.dtype == np.float32
    assert back.obsm["X_pca"].dtype == np.float32
    assert back.obs["total_counts"].dtype == np.float64
    assert list(back.obs) == ["batch", "total_counts"]
    assert list(truth["cell_type"]) == list(raw.obs["cell_type"])
    assert list(truth["batch"]) == list(raw.obs["batch"])


@pytest.mark.parametrize("matrices", [[], ["X"], ["counts"]])
def test_only_the_matrices_that_are_asked_for_are_read(raw, tmp_path, matrices):
    dataset, path = prepare(raw, **SETTINGS)[0], tmp_path / "dataset.h5ad"
    write_dataset(path, dataset)
    part, everything = read_dataset(path, matrices=matrices), read_dataset(path)
    assert (part.X is not None, "counts" in part.layers) == ("X" in matrices, "counts" in matrices)
    assert part.obs.equals(everything.obs)
    assert part.var.equals(everything.var)
    assert part.uns == everything.uns
    for name in everything.obsm:
        np.testing.assert_array_equal(part.obsm[name], everything.obsm[name])
    with pytest.raises(ContractError):
        write_dataset(path, part)


def test_the_input_is_left_as_it_was_and_twice_gives_the_same_bits(raw):
    raw = raw.copy()
    raw.X.data[:3] = 0  # zeros that are stored
    before = raw.copy()
    first, second = prepare(raw, **SETTINGS)[0], prepare(raw, **SETTINGS)[0]
    np.testing.assert_array_equal(raw.X.data, before.X.data)
    assert raw.obs.equals(before.obs)
    assert np.array_equal(first.obsm["X_pca"], second.obsm["X_pca"])


def test_values_are_log_normalised_with_the_counts_of_all_genes(raw):
    dataset, _ = prepare(raw, **SETTINGS)
    counts = raw.X.toarray().astype(float)
    expected = np.log1p(counts / counts.sum(1, keepdims=True) * 1e4)[:, raw.var_names.isin(dataset.var_names)]
    np.testing.assert_allclose(dataset.X.toarray(), expected, rtol=1e-6)
    np.testing.assert_array_equal(dataset.obs["total_counts"], counts.sum(1))
    np.testing.assert_array_equal(dataset.layers["counts"].toarray(), raw[:, dataset.var_names].X.toarray())


def test_without_cell_types_the_truth_is_empty_and_no_type_is_in_the_dataset(raw):
    bare = raw.copy()
    del bare.obs["cell_type"]
    dataset, truth = prepare(bare, **SETTINGS)
    assert (truth["cell_type"] == "").all()
    assert "cell_type" not in prepare(raw, **SETTINGS)[0].obs
    assert np.array_equal(dataset.obsm["X_pca"], prepare(raw, **SETTINGS)[0].obsm["X_pca"])


@pytest.mark.parametrize("batch_aware", [True, False])
def test_the_best_ranks_are_the_genes_that_scanpy_flags(raw, batch_aware):
    adata = raw.copy()
    adata.X = lognormalise(adata.X, np.asarray(adata.X.sum(1)).ravel(), 1e4)
    rank = rank_genes(adata, 40, batch_aware=batch_aware)
    key = "batch" if batch_aware else None
    scanpy.pp.highly_variable_genes(adata, n_top_genes=40, flavor="seurat", batch_key=key)
    assert sorted(rank) == list(range(adata.n_vars))
    np.testing.assert_array_equal(rank < 40, adata.var["highly_variable"])
    if batch_aware:
        votes = adata.var["highly_variable_nbatches"].to_numpy()[np.argsort(rank)]
        assert (np.diff(votes) <= 0).all()


def test_genes_keep_their_order_and_all_are_kept_where_there_are_few(raw):
    few, _ = prepare(raw, **SETTINGS)
    assert list(few.var_names) == [gene for gene in raw.var_names if gene in set(few.var_names)]
    assert sorted(few.var["highly_variable_rank"]) == list(range(40))
    every, _ = prepare(raw, **{**SETTINGS, "n_top_genes": 1000})
    assert sorted(every.var["highly_variable_rank"]) == list(range(every.n_vars))


def test_a_gene_in_too_few_cells_is_removed_but_its_counts_are_counted(raw):
    seen = raw.X.getnnz(axis=0)
    limit = int(np.sort(seen)[20])
    dataset, _ = prepare(raw, **{**SETTINGS, "n_top_genes": 1000, "min_cells_per_gene": limit})
    assert list(dataset.var_names) == list(raw.var_names[seen >= limit])
    np.testing.assert_array_equal(dataset.obs["total_counts"], np.asarray(raw.X.sum(1)).ravel())


def test_small_batches_have_no_vote(raw):
    batch = np.array(["big"] * 120 + ["other"] * 115 + ["tiny"] * 5)
    adata = made(raw.X.toarray(), batch)
    adata.X = lognormalise(adata.X, np.asarray(adata.X.sum(1)).ravel(), 1e4)
    voters = adata[:235].copy()
    voters.obs["batch"] = voters.obs["batch"].cat.remove_unused_categories()
    expected = rank_genes(voters, 40, batch_aware=True)
    np.testing.assert_array_equal(rank_genes(adata, 40, batch_aware=True), expected)


@pytest.mark.parametrize("sizes", [(1, 239), (2,) * 120, (1,) * 240, (20, 20, 200)])
def test_batches_of_any_size_are_prepared(raw, sizes):
    batch = np.repeat([f"b{i}" for i in range(len(sizes))], sizes)
    adata = made(raw.X.toarray(), batch)
    dataset, truth = prepare(adata, **SETTINGS)
    assert dataset.shape == (240, 40)
    assert list(dataset.obs["batch"]) == list(truth["batch"]) == list(batch)
    logged = lognormalise(adata.X, np.asarray(adata.X.sum(1)).ravel(), 1e4)
    by_batch = min(sizes) >= 20
    ranked = anndata.AnnData(logged, obs=adata.obs, var=adata.var)
    expected = rank_genes(ranked, 40, batch_aware=by_batch)[adata.var_names.isin(dataset.var_names)]
    np.testing.assert_array_equal(dataset.var["highly_variable_rank"], expected)
    np.testing.assert_array_equal(dataset.X.toarray(), logged[:, adata.var_names.isin(dataset.var_names)].toarray())
    assert (np.ptp(dataset.obsm["X_pca"], axis=0) > 0).all()


def test_the_pca_is_that_of_the_centred_unscaled_values_with_fixed_signs(raw):
    dataset, _ = prepare(raw, **SETTINGS)
    exact = PCA(5, svd_solver="full").fit(dataset.X.toarray().astype(float))
    signs = np.sign(exact.components_[np.arange(5), np.abs(exact.components_).argmax(1)])
    expected = exact.transform(dataset.X.toarray()) * signs
    np.testing.assert_allclose(dataset.obsm["X_pca"], expected, atol=1e-3)


def test_components_are_as_many_as_the_data_allow():
    random = np.random.default_rng(0)
    dataset, _ = prepare(made(random.poisson(3.0, (30, 4))), **{**SETTINGS, "n_pcs": 50})
    assert dataset.obsm["X_pca"].shape == (30, 3)


@pytest.mark.parametrize("case", [str.upper, str.capitalize])
def test_cell_cycle_scores_follow_the_cells_in_each_phase(case):
    random = np.random.default_rng(0)
    genes = [case(gene) for gene in (*S_GENES[:20], *G2M_GENES[:20])] + [f"other{i}" for i in range(300)]
    rates = random.gamma(2.0, 1.0, len(genes)) * np.ones((90, 1))
    rates[:30, :20] *= 4
    rates[30:60, 20:40] *= 4
    dataset, _ = prepare(made(random.poisson(rates), genes=genes), **SETTINGS)
    phases = dataset.obs[["S_score", "G2M_score"]].to_numpy().reshape(3, 30, 2).mean(1)
    assert list(phases.argmax(0)) == [0, 1]
    assert dataset.uns["cell_cycle"].startswith("scored with 20 of 43 S genes and 20 of 54 G2/M")


def test_missing_cell_cycle_genes_are_told(raw):
    dataset, _ = prepare(raw, **SETTINGS)
    assert "S_score" not in dataset.obs
    assert dataset.uns["cell_cycle"].startswith("not scored: 0 of 43 S genes")


def test_the_phases_share_no_gene():
    assert len(set(S_GENES)) == 43
    assert len(set(G2M_GENES)) == 54
    assert not set(S_GENES) & set(G2M_GENES)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.ones((30, 2)), "too few; at least 3 of each"),
        (np.ones((2, 30)), "too few; at least 3 of each"),
        (np.eye(30, 5), "25 cells have no counts"),
        (np.eye(40), "40 cells and 0 genes in at least 3 cells are too few"),
        (np.full((30, 10), 2), "no gene varies between the cells"),
        (np.repeat([[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]], 15, axis=0), "the genes cannot be ranked"),
    ],
)
def test_degenerate_data_are_refused_in_one_sentence(counts, message):
    with pytest.raises(ValueError, match=message):
        prepare(made(counts), **SETTINGS)


def test_each_large_batch_has_a_pca_of_its_own():
    raw = simulate(n_cells=260, n_genes=120, n_types=3, n_batches=2)
    raw.obs["batch"] = pd.Categorical(np.where(np.arange(260) < 30, "small", raw.obs["batch"].astype(str)))
    of_batches = prepare(raw, **SETTINGS)[0].obsm["X_pca_batch"]
    assert of_batches.shape == (260, 10)
    small = (raw.obs["batch"] == "small").to_numpy()
    assert np.isnan(of_batches[small]).all()
    assert np.isfinite(of_batches[~small]).all()
    alone = prepare(raw[(raw.obs["batch"] == "batch_1").to_numpy()].copy(), **SETTINGS)[0].obsm["X_pca_batch"]
    inside = of_batches[(raw.obs["batch"] == "batch_1").to_numpy()]
    assert np.corrcoef(alone[:, 0], inside[:, 0])[0, 1] ** 2 > 0.99, "other batches do not matter"
