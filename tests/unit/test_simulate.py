import hashlib
import json
from itertools import pairwise

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from scbench.datasets.prepare import prepare
from scbench.datasets.simulate import simulate
from scbench.datasets.simulated_counts import partners
from scbench.files import read_raw, write_raw
from scbench.gene_sets import PATHWAYS, read_gmt

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
        ({"n_modules": 40}, r"n_modules: 40 are too many for 60 genes"),
        ({"doublet_fraction": 0.6}, r"doublet_fraction: 0.6 is above 0.5"),
        ({"ambient_fraction": -0.1}, r"ambient_fraction: -0.1 is below 0"),
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


def test_without_the_newer_parameters_a_dataset_is_that_of_version_0_3():
    """Tuning and its record rest on these bits; the digest was computed by version 0.3."""
    adata = simulate(**SMALL, n_technologies=2, n_subtypes=2, path=True, program_strength=0.3, abundance_spread=0.5)
    content = adata.X.indices.tobytes() + adata.X.data.tobytes() + "".join(adata.obs["subtype"]).encode()
    assert hashlib.sha256(content).hexdigest()[:16] == "4e8d430156ec4f43"


def test_genes_of_a_module_are_correlated_within_a_type_and_named_after_one_pathway():
    shape = {"n_cells": 1500, "n_genes": 200, "n_types": 1, "n_batches": 1, "dispersion": 1e9, "library_size": 1e5}
    adata = simulate(**shape, **QUIET, n_modules=5, module_strength=0.5)
    module = adata.var["module"].to_numpy()
    assert np.bincount(module + 1).tolist() == [100, 20, 20, 20, 20, 20]
    r = np.corrcoef(np.log1p(adata.X.toarray().T))
    same = (module[:, None] == module) & (module >= 0) & ~np.eye(200, dtype=bool)
    assert r[same].mean() > 0.4
    assert abs(r[~same & ~np.eye(200, dtype=bool)].mean()) < 0.2, "shares add up to 1"
    pathways = list(read_gmt(PATHWAYS).values())
    for code in range(5):
        assert set(adata.var_names[module == code]) <= set(pathways[code])
    assert adata.var_names.is_unique


def test_types_are_marked_by_whole_modules_of_one_direction():
    shape = {"n_cells": 2000, "n_genes": 200, "n_types": 2, "n_batches": 1, "dispersion": 1e9, "library_size": 1e5}
    adata = simulate(**shape, **{**QUIET, "type_strength": 1.0}, n_modules=5, marker_fraction=0.3)
    module = adata.var["module"].to_numpy()
    log_ratio = np.log(np.divide(*group_means(adata, "cell_type")))
    log_ratio -= np.median(log_ratio[module < 0])
    changed = [np.mean(np.abs(log_ratio[module == code]) > 0.1) for code in range(5)]
    assert max(changed) > 0.8
    one_direction = [abs(np.sign(log_ratio[module == code]).sum()) for code in range(5) if changed[code] > 0.8]
    assert max(one_direction) >= 18


def test_theta_rises_with_the_mean_and_spreads_over_genes():
    shape = {"n_cells": 20_000, "n_genes": 60, "n_types": 1, "n_batches": 1, "library_size": 1e5, "gene_spread": 1.0}

    def log_theta(**settings):
        counts = simulate(**shape, **QUIET, dispersion=2.0, **settings).X.toarray()
        mean, variance = counts.mean(0), counts.var(0)
        return np.log(mean), np.log(mean**2 / (variance - mean))

    x, y = log_theta(dispersion_slope=0.5)
    assert np.polyfit(x, y, 1) == pytest.approx([0.5, np.log(2.0) - 0.5 * np.median(x)], rel=0.1)
    x, y = log_theta(dispersion_spread=0.8)
    assert y.std() == pytest.approx(0.8, rel=0.3)
    assert log_theta()[1].std() < 0.1


def test_ambient_counts_are_those_of_the_batch_and_weigh_more_in_cells_with_few_counts():
    shape = {"n_cells": 2000, "n_genes": 100, "n_types": 2, "n_batches": 2, "dispersion": 1e9, "library_size": 1e4}
    strengths = {"type_strength": 3.0, "marker_fraction": 0.5, "library_size_spread": 0.8}
    clean, dirty = (simulate(**shape, **strengths, ambient_fraction=fraction) for fraction in (0.0, 0.3))
    assert clean.obs.equals(dirty.obs)
    assert np.abs(np.log(dirty.X.sum() / clean.X.sum())) < 0.01
    sizes = np.asarray(clean.X.sum(1)).ravel()
    for batch, kind in ((b, t) for b in ("batch_1", "batch_2") for t in ("type_1", "type_2")):
        inside = (clean.obs["batch"] == batch).to_numpy()
        profile = 0.3 * np.asarray(clean.X[inside].mean(0)).ravel()
        cells = inside & (clean.obs["cell_type"] == kind).to_numpy()
        for few in (cells & (sizes < np.median(sizes)), cells & (sizes > np.median(sizes))):
            expected = 0.7 * np.asarray(clean.X[few].mean(0)).ravel() + profile
            found = np.asarray(dirty.X[few].mean(0)).ravel()
            assert np.abs(found - expected).sum() < 0.06 * expected.sum()


def test_a_doublet_holds_a_second_cell_of_its_batch():
    shape = {"n_cells": 1000, "n_genes": 100, "n_types": 2, "n_batches": 2, "dispersion": 1e9, "library_size": 1e4}
    adata = simulate(**shape, **QUIET, doublet_fraction=0.1)
    doublet, size = adata.obs["doublet"].to_numpy(), np.asarray(adata.X.sum(1)).ravel()
    assert adata.obs.groupby("batch", observed=True)["doublet"].sum().tolist() == [50, 50]
    assert size[doublet].mean() / size[~doublet].mean() == pytest.approx(2, rel=0.02)
    second = partners(0, np.repeat([0, 1, 2], 200), 0.5)
    assert ((second >= 0).reshape(3, 200).sum(1) == 100).all()
    assert (second[second >= 0] // 200 == np.flatnonzero(second >= 0) // 200).all()
    assert "doublet" not in simulate(**SMALL).obs


def test_composition_between_batches_has_a_spread_of_its_own():
    shape = {"n_cells": 40_000, "n_genes": 50, "n_types": 30, "n_batches": 2, "library_size": 20}
    table = simulate(**shape, batch_abundance_spread=0.6).obs.value_counts(["cell_type", "batch"]).unstack()
    assert np.log(table["batch_1"] / table["batch_2"]).std() == pytest.approx(0.6 * np.sqrt(2), rel=0.3)


def test_a_path_branches_at_its_first_type():
    path = {"n_cells": 1500, "n_genes": 400, "n_types": 5, "n_batches": 1, "type_strength": 2.0, "path": True}
    adata = simulate(**path, n_branches=2, library_size=20_000, dispersion=50.0)
    time, types = adata.obs["pseudotime"].to_numpy(), adata.obs["cell_type"].cat.codes.to_numpy()
    assert np.array_equal(np.minimum((time * 3).astype(int), 2), np.array([0, 1, 1, 2, 2])[types])
    expression = np.log1p(adata.X.toarray() / np.asarray(adata.X.sum(axis=1)) * 1e4)

    def mean(kind, low, high):
        return expression[(types == kind) & (time >= low) & (time < high)].mean(axis=0)

    for before, after in ((1, 3), (2, 4)):
        gap = np.linalg.norm(mean(before, 0.6, 2 / 3) - mean(after, 2 / 3, 0.74))
        other = np.linalg.norm(mean(before, 0.6, 2 / 3) - mean(7 - after, 2 / 3, 0.74))
        assert gap < 0.5 * other
    root = [np.linalg.norm(mean(kind, 0.33, 0.4) - mean(0, 0.28, 1 / 3)) for kind in (1, 2)]
    far = [np.linalg.norm(mean(kind, 0.5, 0.66) - mean(0, 0.0, 0.1)) for kind in (1, 2)]
    assert max(root) < min(far)
