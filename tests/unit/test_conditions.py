"""Metrics of a condition that integration should keep, and of what changes where there is nothing to correct."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from scbench.metrics.calibration import neighbours_kept
from scbench.metrics.conditions import condition_auc, condition_purity
from scbench.metrics.errors import NotApplicableError


def donors(effect, batch_effect=0.0, paired=True, seed=0):
    """600 cells of two types from 4 donors; a condition shifts both types. Paired: every donor has both conditions."""
    random = np.random.default_rng(seed)
    labels, donor = np.repeat(["a", "b"], 300), random.integers(0, 4, 600)
    condition = np.where(random.random(600) < 0.4 if paired else donor < 2, "treated", "control")
    X = random.standard_normal((600, 5)) + 9 * (labels == "b")[:, None]
    X[:, 1] += effect * (condition == "treated")
    X[:, 2] += batch_effect * donor
    return {"X": X, "condition": condition, "batch": np.char.add("d", donor.astype(str)), "labels": labels}


@pytest.mark.parametrize("paired", [True, False])
def test_purity_is_1_where_the_condition_is_kept_and_0_where_it_is_lost(paired):
    assert condition_purity(**donors(30, paired=paired)) == 1
    lost = [condition_purity(**donors(0, paired=paired, seed=seed)) for seed in range(10)]
    assert np.mean(lost) == pytest.approx(0, abs=0.02), "chance is corrected for, also if donors have one condition"
    assert 0.1 < condition_purity(**donors(2, paired=paired)) < 0.9


def test_purity_is_that_of_a_loop_over_cells():
    data = donors(1.5)
    X, condition, batch, labels = data.values()
    types = []
    for label in "ab":
        seen, chance = [], []
        for cell in np.flatnonzero(labels == label):
            others = np.flatnonzero((labels == label) & (batch != batch[cell]))
            near = others[np.argsort(np.linalg.norm(X[others] - X[cell], axis=1))[:15]]
            seen.append(np.mean(condition[near] == condition[cell]))
            chance.append(np.mean(condition[others] == condition[cell]))
        types.append((np.mean(seen) - np.mean(chance)) / (1 - np.mean(chance)))
    assert condition_purity(**data) == pytest.approx(np.mean(types), abs=1e-9)


def test_auc_is_that_of_neighbours_within_batches_and_ignores_batch_effects():
    data = donors(1.5)
    X, condition, batch, labels = data.values()
    types = []
    for label in "ab":
        areas, sizes = [], []
        for name in np.unique(batch):
            cells = (labels == label) & (batch == name)
            near = NearestNeighbors(n_neighbors=16).fit(X[cells]).kneighbors(X[cells], return_distance=False)[:, 1:]
            of_group = condition[cells]
            votes = {name: (of_group[near] == name).mean(axis=1) for name in ("control", "treated")}
            areas.append(np.mean([roc_auc_score(of_group == name, vote) for name, vote in votes.items()]))
            sizes.append(cells.sum())
        types.append(np.average(areas, weights=sizes))
    assert condition_auc(**data) == pytest.approx(np.mean(types), abs=1e-9)
    assert condition_auc(**donors(1.5, batch_effect=50)) == pytest.approx(np.mean(types), abs=1e-9)
    assert condition_auc(**donors(30)) == pytest.approx(1)
    assert condition_auc(**donors(0)) == pytest.approx(0.47, abs=0.06)


def test_a_condition_that_is_a_batch_cannot_be_judged():
    data = donors(1.0)
    for metric in (condition_purity, condition_auc):
        with pytest.raises(NotApplicableError, match="no cell type has several conditions"):
            metric(**data | {"condition": data["batch"]})


def test_an_embedding_that_moves_nothing_keeps_all_neighbours_and_noise_none():
    random = np.random.default_rng(0)
    pca = random.standard_normal((300, 6))

    def kept(X):
        return neighbours_kept(pca, NearestNeighbors(n_neighbors=90).fit(X).kneighbors(X, return_distance=False))

    assert kept(pca) == kept(3 * pca + 5) == 1
    assert kept(random.standard_normal((300, 6))) == pytest.approx(15 / 299, abs=0.015)
    near = NearestNeighbors(n_neighbors=16)
    after = pca + 0.2 * random.standard_normal((300, 6))
    pairs = [near.fit(X).kneighbors(X, return_distance=False)[:, 1:] for X in (pca, after)]
    overlap = np.mean([len(set(one) & set(other)) / 15 for one, other in zip(*pairs, strict=True)])
    assert kept(after) == pytest.approx(overlap)
    assert 0.2 < overlap < 0.9
