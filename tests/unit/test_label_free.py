"""Scores of biology without cell types: noise has none, structure that is there is found."""

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import sparse
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from scbench.checks import SCORE_COLUMNS
from scbench.graphs.connectivities import connectivities
from scbench.metrics.clustering import LeidenGrid
from scbench.metrics.label_free import _within, cluster_stability, trustworthiness_above_chance
from scbench.metrics.structure import trustworthiness
from scbench.metrics.suite import score_embedding
from scbench.ranking.summary import rank, summarise
from scbench.seeding import generator


def neighbours(X: np.ndarray, k: int = 90) -> tuple[np.ndarray, np.ndarray]:
    distances, indices = NearestNeighbors(n_neighbors=k).fit(X).kneighbors(X)
    return indices, distances


def leiden(nearest: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    return LeidenGrid(connectivities(nearest[0][:, :15], nearest[1][:, :15])).repeats(1.0)


def groups(distance: float, n_cells: int = 400) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.standard_normal((n_cells, 5)) + distance * np.eye(5)[np.arange(n_cells) % 5]


def test_separate_groups_are_stable_and_noise_is_less_so():
    apart, noise = neighbours(groups(12)), neighbours(groups(0))
    assert cluster_stability(apart, leiden(apart)) > 0.9
    assert cluster_stability(noise, leiden(noise)) < 0.6


def test_one_cluster_is_no_structure():
    assert cluster_stability(neighbours(groups(0)), [np.zeros(400)]) == 0


def test_neighbours_within_a_sample_are_those_of_a_search_in_the_sample():
    X = groups(3)
    cells = np.sort(np.random.default_rng(1).choice(400, 320, replace=False))
    indices, distances = _within(*neighbours(X), cells)
    expected = neighbours(X[cells], 15)
    assert (indices == expected[0]).all()
    assert distances == pytest.approx(expected[1])


def test_stability_is_the_mean_agreement_with_clusters_that_are_made_anew_in_each_sample():
    X, random, scores = groups(4), generator(0, "cluster_stability"), []
    clusterings = leiden(neighbours(X))
    for clusters in clusterings:
        cells = np.sort(random.choice(400, 320, replace=False))
        scores.append(adjusted_rand_score(clusters[cells], leiden(neighbours(X[cells], 15))[0]))
    assert cluster_stability(neighbours(X), clusterings) == pytest.approx(np.mean(scores))


def test_trustworthiness_above_chance_is_0_for_noise_and_1_for_the_pca():
    X, batch = groups(3), np.array(["x", "y"] * 200)
    noise = np.random.default_rng(2).standard_normal((400, 5))
    assert trustworthiness_above_chance(X, X, batch) == 1
    assert trustworthiness_above_chance(X, noise, batch) < 0.05
    between = X + noise
    assert trustworthiness_above_chance(X, between, batch) == pytest.approx(2 * trustworthiness(X, between, batch) - 1)


def test_it_needs_no_cell_types_and_a_few_cells_suffice():
    X = groups(6, 20).astype(np.float32)
    table = score_embedding(
        X,
        pca=X,
        batch=np.array(["x", "y"] * 10),
        labels=np.array([""] * 20),
        metrics={"bio": ["cluster_stability"], "batch": [], "extra": []},
    )
    assert table["status"].tolist() == ["ok"]


def test_the_preset_label_free_gives_a_total_and_a_ranking_without_cell_types(root):
    random = np.random.default_rng(0)
    before = groups(8).astype(np.float32)
    batch = random.choice(["x", "y"], 400)
    pca = before + 6 * (batch == "y").astype(np.float32)[:, None]
    embeddings = {"corrected": before, "uncorrected": pca, "noise": random.standard_normal((400, 5), np.float32)}
    metrics = yaml.safe_load((root / "config/config.yaml").read_text())["metrics"]["presets"]["label_free"]
    tables = []
    for method, X in embeddings.items():
        known = {"expression": sparse.csr_matrix(np.exp(before))}
        table = score_embedding(X, pca=pca, batch=batch, labels=np.array([""] * 400), metrics=metrics, **known)
        tables.append(table.assign(dataset="one", method=method, seed=0)[SCORE_COLUMNS])
    scores = pd.concat(tables)
    assert set(scores["status"]) == {"ok"}
    kinds = dict.fromkeys(embeddings, "method")
    ranking = rank(summarise(scores, kinds, {"bio": 0.6, "batch": 0.4}), kinds)
    assert ranking["method"].tolist() == ["corrected", "uncorrected", "noise"]
    assert ranking["rank"].tolist() == [1, 2, 3]
