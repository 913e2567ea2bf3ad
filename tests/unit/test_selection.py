"""Which cells of a dataset are used: a stratified subset, random halves of one batch, levels and conditions."""

import numpy as np
import pandas as pd
import pytest

from scbench.checks import check_truth
from scbench.config import load_config, source_of
from scbench.datasets.prepare import prepare
from scbench.datasets.selection import select, stratified
from scbench.datasets.simulate import simulate
from scbench.datasets.validate import standardise
from scbench.files import read_truth, write_truth
from scbench.metrics.suite import score_run
from scbench.types import ConfigError, ContractError

SETTINGS = {"n_top_genes": 40, "hvg_batch_aware": True, "target_sum": 1e4, "n_pcs": 5, "min_cells_per_gene": 3}


@pytest.fixture(scope="module")
def raw():
    return simulate(n_cells=400, n_genes=60, n_types=3, n_batches=3, n_subtypes=2, rare_types={"type_3": 0.03})


def test_a_subset_has_the_shares_of_batches_and_types_and_keeps_rare_ones(raw):
    some, record = select(raw, max_cells=100)
    assert some.n_obs == 100
    assert record == {
        "selection": "100 of 400 cells, stratified by batch and cell type, seed 0",
        "null_split": False,
    }
    every, kept = (data.obs.groupby(["batch", "cell_type"], observed=True).size() for data in (raw, some))
    assert set(kept.index) == set(every.index)
    assert (kept - every / 4).abs().max() < 1.5
    assert list(some.obs_names) == [name for name in raw.obs_names if name in set(some.obs_names)]


def test_a_subset_does_not_depend_on_the_order_of_cells(raw):
    mixed = raw[np.random.default_rng(0).permutation(raw.n_obs)]
    assert set(select(raw, max_cells=90)[0].obs_names) == set(select(mixed, max_cells=90)[0].obs_names)
    halves = [select(data, null_split=True)[0].obs["batch"] for data in (raw, mixed)]
    assert halves[0].astype(str).equals(halves[1].astype(str).loc[halves[0].index])


def test_small_enough_datasets_are_left_alone_and_too_small_subsets_refused(raw):
    every, record = select(raw, max_cells=400)
    assert every is raw
    assert record["selection"] == "all cells"
    with pytest.raises(ValueError, match="max_cells: 5 cells do not hold one of each of 6 combinations"):
        stratified(pd.Index(list("abcdef")), np.arange(6), 5)
    assert stratified(pd.Index(list("abcdef")), np.arange(6), 6).all()


def test_a_null_split_is_random_halves_of_the_largest_batch(raw):
    largest = raw.obs["batch"] == "batch_2"
    uneven = raw[np.append(np.flatnonzero(largest), np.flatnonzero(~largest)[:90])]
    split, record = select(uneven, null_split=True, max_cells=100)
    assert (raw.obs.loc[split.obs_names, "batch"] == "batch_2").all()
    assert split.n_obs == 100
    assert split.obs["batch"].value_counts().to_dict() == pytest.approx({"null_1": 50, "null_2": 50}, abs=2)
    whole = select(uneven, null_split=True)[0]
    assert abs(np.subtract(*whole.obs["batch"].value_counts())) <= 1
    assert record["selection"].startswith("batch batch_2, split at random into two; 100 of 13")
    with pytest.raises(ValueError, match="the largest batch has 10 cells; 50 are needed"):
        select(raw[np.flatnonzero(raw.obs["batch"] == "batch_1")[:10]], null_split=True)


@pytest.fixture
def levels(raw):
    given = raw.copy()
    given.obs["stim"] = np.where(np.arange(400) % 2, "on", "off")
    keys = {"batch_key": "batch", "label_key": ["cell_type", "subtype"], "condition_key": "stim"}
    return standardise(given, source="given", counts_layer=None, **keys)


def test_levels_and_condition_reach_the_truth_and_not_the_dataset(levels, raw, tmp_path):
    adata, truth = prepare(levels, **SETTINGS)
    write_truth(tmp_path / "truth.tsv.gz", truth)
    back = read_truth(tmp_path / "truth.tsv.gz", raw.obs_names[::-1])
    assert list(back) == ["cell_id", "batch", "cell_type", "condition", "label:cell_type", "label:subtype"]
    assert list(back["label:subtype"]) == list(raw.obs["subtype"])[::-1]
    assert list(back["cell_type"]) == list(back["label:cell_type"]) == list(raw.obs["cell_type"])[::-1]
    assert list(adata.obs) == ["batch", "total_counts"], "no method sees them"


def test_a_pseudotime_of_the_user_reaches_the_metrics(raw):
    given = raw.copy()
    given.obs["dpt"] = np.where(np.arange(400) < 390, np.linspace(0, 1, 400), np.nan)
    keys = {"batch_key": "batch", "label_key": "cell_type", "counts_layer": None, "source": "given"}
    found = standardise(given, pseudotime_key="dpt", **keys)
    adata, truth = prepare(found, **SETTINGS)
    assert np.array_equal(adata.obs["pseudotime"], given.obs["dpt"], equal_nan=True)
    metrics = {"bio": ["trajectory_conservation"], "batch": [], "extra": []}
    run = {"dataset": "given", "method": "pca", "seed": 0, "metrics": metrics}
    line = np.c_[np.linspace(0, 9, 400), np.random.default_rng(0).normal(0, 1, 400)].astype(np.float32)
    scores = score_run(line, None, adata, truth, **run)["scores"]
    assert scores["value"].item() > 0.95
    for values, problem in {
        "late": "holds 'late', which is no finite number",
        1.0: "has fewer than two different",
    }.items():
        given.obs["dpt"] = values
        with pytest.raises(ValueError, match=f"pseudotime_key 'dpt' {problem}"):
            standardise(given, pseudotime_key="dpt", **keys)
    with pytest.raises(ValueError, match="pseudotime_key 'none' is no column of obs"):
        standardise(given, pseudotime_key="none", **keys)


def test_one_level_in_a_list_is_a_label_key(raw):
    keys = {"batch_key": "batch", "counts_layer": None, "source": "given"}
    one, listed = (standardise(raw, label_key=key, **keys) for key in ("subtype", ["subtype"]))
    assert one.obs.equals(listed.obs)
    assert list(one.obs) == ["batch", "cell_type"]


def test_a_missing_condition_is_named(raw):
    given = raw.copy()
    given.obs["stim"] = pd.Series(["on"] * 399 + [None], index=given.obs_names)
    keys = {"batch_key": "batch", "label_key": "cell_type", "counts_layer": None, "source": "given"}
    with pytest.raises(ValueError, match=r"condition_key 'stim' has no value for 1 cells; .* leave condition_key out"):
        standardise(given, condition_key="stim", **keys)
    with pytest.raises(ValueError, match="condition_key 'dose' is no column of obs"):
        standardise(given, condition_key="dose", **keys)


def test_a_truth_with_unknown_columns_or_another_first_level_is_refused(levels):
    truth = prepare(levels, **SETTINGS)[1]
    with pytest.raises(ContractError, match="further columns must be condition and label"):
        check_truth("truth", truth.assign(age=1))
    with pytest.raises(ContractError, match="the first level of cell types is not cell_type"):
        check_truth("truth", truth.assign(cell_type="other"))


def test_keys_of_a_dataset_ask_for_their_metrics_and_choose_cells_without_fetching_again(root, write_yaml):
    mine = {"path": "a.h5ad", "batch_key": "b", "label_key": ["coarse", "fine"]}
    chosen = {"max_cells": 500, "null_split": True, "condition_key": "stim"}
    config = load_config(root / "config", {"datasets": {"mine": mine | chosen}, "benchmark": {"datasets": ["mine"]}})
    assert {"condition_purity", "condition_auc", "neighbours_kept"} <= set(config["metrics"]["extra"])
    assert source_of(config["datasets"]["mine"]) == mine | {"condition_key": "stim"}
    plain = load_config(root / "config", {"datasets": {"mine": mine | chosen}})
    assert "condition_purity" not in plain["metrics"]["extra"], "the dataset is not part of the benchmark"
    for key, value in (("max_cells", 10), ("label_key", ["a", "a"]), ("label_key", []), ("null_split", 2)):
        overrides = {"datasets": {"mine": mine | {key: value}}}
        with pytest.raises(ConfigError, match=f"datasets.mine.{key}"):
            load_config(root / "config", overrides, [write_yaml(overrides)])
