import json
from itertools import pairwise

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from scbench.datasets.prepare import prepare
from scbench.datasets.simulate import simulate
from scbench.files import read_raw, write_raw

SMALL = {"n_cells": 200, "n_genes": 60, "n_types": 4, "n_batches": 4}
QUIET = {
    "type_strength": 0,
    "batch_strength": 0,
    "library_size_spread": 0,
    "batch_library_size_spread": 0,
}


def group_means(adata, column):
    dense = adata.X.toarray()
    return np.array([dense[adata.obs[column] == name].mean(0) for name in adata.obs[column].cat.categories])


def test_same_seed_gives_the_same_bits_and_another_seed_does_not():
    first, second, other = (simulate(**SMALL, seed=seed) for seed in (1, 1, 2))
    assert (first.X != second.X).nnz == 0
    assert first.obs.equals(second.obs)
    assert (first.X != other.X).nnz > 0


def test_the_result_keeps_the_raw_contract_and_records_its_parameters(tmp_path):
    adata = simulate(**SMALL, n_technologies=2, rare_types={"type_4": 0.1})
    assert adata.X.dtype == np.int32
    write_raw(tmp_path / "raw.h5ad", adata)
    back = read_raw(tmp_path / "raw.h5ad")
    assert list(back.obs["batch"].cat.categories) == ["batch_1", "batch_2", "batch_3", "batch_4"]
    assert list(back.var_names[[0, -1]]) == ["gene_0001", "gene_0060"]
    again = simulate(**json.loads(back.uns["simulation"]))
    assert (again.X != adata.X).nnz == 0


def test_counts_have_mean_and_variance_of_the_negative_binomial():
    adata = simulate(n_cells=6000, n_genes=50, n_types=1, n_batches=1, library_size=500, dispersion=2.0, **QUIET)
    counts = adata.X.toarray()
    mean, variance = counts.mean(0), counts.var(0)
    assert counts.sum(1).mean() == pytest.approx(500, rel=0.02)
    high = mean > 2
    np.testing.assert_allclose(variance[high], (mean + mean**2 / 2.0)[high], rtol=0.15)


def test_a_large_theta_is_poisson():
    counts = simulate(n_cells=6000, n_genes=50, n_types=1, n_batches=1, dispersion=1e9, **QUIET).X.toarray()
    np.testing.assert_allclose(counts.var(0) / counts.mean(0), 1, atol=0.12)


@pytest.mark.parametrize(
    ("strength", "column"),
    [("type_strength", "cell_type"), ("batch_strength", "batch"), ("technology_strength", "technology")],
)
def test_a_strength_makes_groups_differ_and_zero_makes_them_equal(strength, column):
    def spread(value):
        strengths = {**QUIET, "technology_strength": 0, strength: value}
        shape = {"n_cells": 2000, "n_genes": 60, "n_types": 2, "n_batches": 2, "n_technologies": 2}
        adata = simulate(**shape, **strengths, marker_fraction=1.0, dispersion=1e9, library_size=6000)
        means = group_means(adata, column)
        return np.abs(np.log(means[0] / means[1]))[means.min(0) > 10].mean()

    assert spread(0) < 0.02
    assert spread(0.5) > 0.2


def test_strengths_are_the_sd_of_the_log_gene_effects():
    shape = {"n_cells": 2000, "n_genes": 500, "n_types": 1, "n_batches": 2}
    strengths = {**QUIET, "batch_strength": 0.4}
    means = group_means(simulate(**shape, **strengths, dispersion=1e9, library_size=1e5), "batch")
    log_ratio = np.log(means[0] / means[1])[means.min(0) > 5]
    assert log_ratio.std() == pytest.approx(0.4 * np.sqrt(2), rel=0.1)


def test_only_marker_genes_tell_types_apart():
    shape = {"n_cells": 2000, "n_genes": 400, "n_types": 2, "n_batches": 1}
    strengths = {**QUIET, "type_strength": 1.0}
    means = group_means(
        simulate(**shape, **strengths, marker_fraction=0.1, dispersion=1e9, library_size=1e5), "cell_type"
    )
    log_ratio = np.log(means[0] / means[1])
    different = np.abs(log_ratio - np.median(log_ratio)) > 0.15
    assert 0.1 < different.mean() < 0.2  # two sets of 10 %, of which small effects stay unseen


def test_an_interaction_is_an_effect_of_a_batch_on_one_type():
    shape = {"n_cells": 4000, "n_genes": 300, "n_types": 2, "n_batches": 2, "dispersion": 1e9, "library_size": 1e5}
    adata = simulate(**shape, **QUIET, interaction_strength=0.4)
    ratios = []
    for name in ("type_1", "type_2"):
        means = group_means(adata[adata.obs["cell_type"] == name], "batch")
        ratios.append(np.log(means[0] / means[1]))
    assert np.std(ratios, axis=1) == pytest.approx(0.4 * np.sqrt(2), rel=0.15)
    assert abs(np.corrcoef(ratios)[0, 1]) < 0.2


def test_programs_vary_within_a_type_and_batch():
    shape = {"n_cells": 1000, "n_genes": 300, "n_types": 1, "n_batches": 1, "dispersion": 1e9, "library_size": 1e5}

    def strongest_component(strength):
        dense = np.log1p(simulate(**shape, **QUIET, program_strength=strength).X.toarray())
        values = np.linalg.svd(dense - dense.mean(0), compute_uv=False) ** 2
        return values[:5].sum() / values.sum()

    assert strongest_component(0) < 0.25
    assert strongest_component(0.5) > 0.6


def test_abundances_spread_over_types_and_less_over_batches_and_no_type_is_lost():
    shape = {"n_cells": 40_000, "n_genes": 50, "n_types": 30, "n_batches": 2, "library_size": 20}
    table = simulate(**shape, abundance_spread=1.0).obs.value_counts(["cell_type", "batch"]).unstack()
    assert (table.sum() == 20_000).all()
    assert np.log(table).mean(axis=1).std() == pytest.approx(1.0, rel=0.3)
    assert np.log(table["batch_1"] / table["batch_2"]).std() == pytest.approx(np.sqrt(2) / 3, rel=0.3)
    few = simulate(**SMALL, abundance_spread=5.0).obs.value_counts(["cell_type", "batch"])
    assert (few >= 1).all()
    assert len(few) == 16


def test_removing_an_effect_leaves_the_cells_as_they_were():
    with_effect, without = simulate(**SMALL), simulate(**SMALL, batch_strength=0)
    assert with_effect.obs.equals(without.obs)


def test_library_sizes_follow_their_median_and_spread():
    sizes = simulate(n_cells=4000, n_genes=100, library_size=3000, library_size_spread=0.5, dispersion=1e9).X.sum(1)
    assert np.median(np.asarray(sizes)) == pytest.approx(3000, rel=0.15)
    equal = simulate(n_cells=1000, n_genes=100, n_types=1, n_batches=1, library_size=3000, dispersion=1e9, **QUIET)
    assert np.log(np.asarray(equal.X.sum(1))).std() == pytest.approx(1 / np.sqrt(3000), rel=0.1)


def test_default_sparsity_is_that_of_single_cell_data():
    adata = simulate(n_cells=300, n_genes=1000)
    assert 0.5 < 1 - adata.X.nnz / np.prod(adata.shape) < 0.8


def test_batches_are_dealt_to_technologies_in_turn():
    obs = simulate(**SMALL, n_technologies=2).obs
    pairs = obs.groupby("batch", observed=True)["technology"].agg(["first", "nunique"])
    assert list(pairs["first"]) == ["technology_1", "technology_2", "technology_1", "technology_2"]
    assert (pairs["nunique"] == 1).all()
    assert "technology" not in simulate(**SMALL).obs


def test_types_are_missing_where_they_should_be_and_nowhere_else():
    obs = simulate(**SMALL, missing_types={"batch_2": ["type_1"], "batch_3": ["type_1", "type_4"]}).obs
    table = obs.groupby(["batch", "cell_type"], observed=False).size().unstack() == 0
    missing = {(batch, name) for batch in table.index for name in table if table.loc[batch, name]}
    assert missing == {("batch_2", "type_1"), ("batch_3", "type_1"), ("batch_3", "type_4")}
    assert obs["batch"].value_counts().unique().tolist() == [50]


@pytest.mark.parametrize(("n_cells", "fraction", "expected"), [(1000, 0.015, 15), (1003, 0.3, 301), (400, 0.001, 10)])
def test_a_rare_type_has_its_fraction_but_at_least_ten_cells(n_cells, fraction, expected):
    obs = simulate(n_cells=n_cells, n_genes=50, n_types=3, n_batches=4, rare_types={"type_2": fraction}).obs
    assert (obs["cell_type"] == "type_2").sum() == expected
    assert len(obs) == n_cells


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rare_types": {"type_9": 0.1}}, r"rare_types: 'type_9' does not exist; known: type_1"),
        ({"rare_types": {"type_1": 0.5, "type_2": 0.5}}, r"rare_types: the fractions add up"),
        ({"rare_types": {f"type_{i}": 0.1 for i in range(1, 5)}}, r"batch_1 has no type that is not rare"),
        ({"rare_types": {"type_1": 0.97}}, r"n_cells: 50 cells in batch_1 do not hold"),
        ({"missing_types": {"batch_9": ["type_1"]}}, r"missing_types: 'batch_9' does not exist"),
        ({"missing_types": {"batch_1": ["type_9"]}}, r"missing_types.batch_1: 'type_9' does not exist"),
        ({"missing_types": {f"batch_{i}": ["type_1"] for i in range(1, 5)}}, r"type_1 is missing from every batch"),
        ({"n_technologies": 5}, r"n_technologies: there are only 4 batches"),
        ({"n_batches": 0}, r"n_batches: 0 is below 1"),
        ({"n_cells": 200.0}, r"n_cells: 200.0 is not of type int"),
        ({"marker_fraction": 2}, r"marker_fraction: 2 is above 1"),
        ({"library_size": float("nan")}, r"library_size: nan is not a finite number"),
        ({"type_strenght": 1}, r"type_strenght: unknown parameter; known: n_cells, "),
    ],
)
def test_what_cannot_be_met_is_refused_by_key(wrong, message):
    with pytest.raises(ValueError, match=message):
        simulate(**{**SMALL, **wrong})


def purity(pca, names):
    """Share of the 15 nearest neighbours that have the cell's own name."""
    neighbours = NearestNeighbors(n_neighbors=16).fit(pca).kneighbors(pca, return_distance=False)[:, 1:]
    return (names.to_numpy()[neighbours] == names.to_numpy()[:, None]).mean()


def test_by_default_batches_separate_and_types_could_be_recovered(config):
    def embedded(**strengths):
        adata = simulate(**config["datasets"]["sim_balanced"]["simulate"], **strengths)
        return prepare(adata, **config["preprocessing"])[0].obsm["X_pca"], adata.obs

    pca, obs = embedded()
    assert purity(pca, obs["batch"]) > 0.9
    pca, obs = embedded(batch_strength=0, batch_library_size_spread=0)
    assert purity(pca, obs["batch"]) < 0.36
    assert 0.95 < purity(pca, obs["cell_type"]) < 0.999


def test_states_lie_within_their_type_and_shift_their_shares_between_batches():
    shape = {"n_cells": 4000, "n_genes": 300, "n_types": 2, "n_batches": 2, "dispersion": 1e9, "library_size": 1e5}
    adata = simulate(**shape, **{**QUIET, "type_strength": 2.0}, n_subtypes=3, subtype_strength=0.5)
    parts = adata.obs.groupby(["cell_type", "subtype"], observed=True).size()
    assert parts.groupby("subtype", observed=True).size().eq(1).all()
    assert len(parts) == 6
    means = np.log(group_means(adata, "subtype"))
    same, other = np.abs(means[0] - means[1]).mean(), np.abs(means[0] - means[3]).mean()
    assert 0 < same < other
    shares = adata.obs.groupby("batch", observed=True)["subtype"].value_counts(normalize=True).unstack()
    assert (shares.iloc[0] - shares.iloc[1]).abs().max() > 0.02


def test_one_state_per_type_leaves_the_counts_as_they_were():
    plain, one = simulate(**SMALL), simulate(**SMALL, n_subtypes=1, subtype_strength=2.0)
    assert (plain.X != one.X).nnz == 0
    assert "subtype" not in one.obs


def test_on_a_path_expression_changes_gradually_from_type_to_type():
    path = {"n_cells": 600, "n_genes": 300, "n_types": 4, "n_batches": 1, "type_strength": 1.5, "path": True}
    adata = simulate(**path)
    time, types = adata.obs["pseudotime"].to_numpy(), adata.obs["cell_type"].cat.codes.to_numpy()
    assert np.array_equal(np.minimum((time * 4).astype(int), 3), types), "each type is a quarter of the path"
    expression = np.log1p(adata.X.toarray() / np.asarray(adata.X.sum(axis=1)) * 1e4)
    middle = [expression[(time > low) & (time < low + 0.05)].mean(axis=0) for low in np.arange(0.05, 0.95, 0.05)]
    steps = [np.linalg.norm(after - before) for before, after in pairwise(middle)]
    assert max(steps) < 1.6 * np.median(steps), "there is no jump between types"
    assert "pseudotime" not in simulate(**path | {"path": False}).obs
    prepared, truth = prepare(
        adata, n_top_genes=200, hvg_batch_aware=True, target_sum=1e4, n_pcs=5, min_cells_per_gene=3
    )
    assert np.array_equal(prepared.obs["pseudotime"], time)
    assert "pseudotime" not in truth
