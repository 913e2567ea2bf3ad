"""Scores do not break on order, names, scale, outliers or chance; definitions follow the sources that they cite."""

import numpy as np
import pytest
import sklearn.metrics as sk
from conftest import APPLICABLE, known_of_cells
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors

from scbench.graphs.connectivities import connectivities
from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.metrics import clustering, lisi, regression, silhouette, structure
from scbench.metrics.canonical import bounded
from scbench.metrics.catalogue import METRICS
from scbench.metrics.suite import score_embedding

ALL = {"bio": APPLICABLE, "batch": [], "extra": []}
WITHOUT_LEIDEN = [name for name in APPLICABLE if "igraph" not in METRICS[name].packages]  # continuous


@pytest.fixture(scope="module")
def cells():
    """300 cells of 3 overlapping types, the last missing from a batch, in 3 shifted batches; 12 cells occur twice."""
    random = np.random.default_rng(5)
    types, batch = random.choice(3, 300, p=[0.5, 0.3, 0.2]), random.integers(0, 3, 300)
    batch[(types == 2) & (batch == 2)] = 0
    shift = 1.5 * np.eye(10)[4 + batch]
    pca = (random.standard_normal((300, 10)) + 3 * np.eye(10)[types] + shift).astype(np.float32)
    X = (random.standard_normal((300, 10)) + 2 * np.eye(10)[types] + shift / 2).astype(np.float32)
    X[:12], pca[:6] = X[12:24], pca[12:18]
    return {
        "embedding": X,
        "pca": pca,
        "batch": np.array([f"batch_{b}" for b in batch]),
        "labels": np.array([f"type_{t}" for t in types]),
        "clusters": np.where(types == 0, "0", "1"),
        **known_of_cells(pca, types),
        "phases": pca[:, :2] + random.standard_normal((300, 2)),
        "condition": random.choice(["control", "treated"], 300),
    }


def scores(cells):
    return score_embedding(**cells, metrics=ALL).set_index("metric")["value"].astype(float)


@pytest.fixture(scope="module")
def values(cells):
    return scores(cells)


def test_no_score_depends_on_the_order_of_cells_even_if_cells_occur_twice(cells, values):
    order = np.random.default_rng(0).permutation(300)
    assert scores({key: value[order] for key, value in cells.items()}).to_dict() == values.to_dict()


def test_no_score_depends_on_the_names_of_batches_and_types(cells, values):
    renamed = dict(cells)
    for key in ("batch", "labels"):
        names, codes = np.unique(cells[key], return_inverse=True)
        renamed[key] = names[::-1][codes]
    assert scores(renamed).to_numpy() == pytest.approx(values.to_numpy(), abs=1e-12)


def test_a_sample_does_not_depend_on_the_names_of_groups():
    groups = np.random.default_rng(0).choice(["a", "b", "c"], 3000, p=[0.6, 0.3, 0.1])
    renamed = np.array(["z", "m", "c"])[np.unique(groups, return_inverse=True)[1]]
    assert np.array_equal(silhouette.sample(groups, 500), silhouette.sample(renamed, 500))


def test_no_score_depends_on_the_scale_of_the_embedding(cells, values):
    for exponent in (-60, 60, 120):
        scaled = scores(cells | {"embedding": np.ldexp(cells["embedding"], exponent)})
        assert scaled.to_dict() == values.to_dict()
    huge = scores(cells | {"embedding": (cells["embedding"] * 1e18).astype(np.float32)})
    assert huge[WITHOUT_LEIDEN].to_numpy() == pytest.approx(values[WITHOUT_LEIDEN].to_numpy(), abs=1e-3)


@pytest.mark.parametrize("far", [1e4, 1e17])
def test_one_outlier_cell_hardly_moves_a_score(cells, values, far):
    moved = cells["embedding"].copy()
    moved[40, 3] = far
    found = scores(cells | {"embedding": moved})
    assert found[WITHOUT_LEIDEN].to_numpy() == pytest.approx(values[WITHOUT_LEIDEN].to_numpy(), abs=0.03)


def test_pulling_outliers_in_changes_no_other_cell():
    X = np.random.default_rng(0).standard_normal((200, 5)).astype(np.float32)
    X[7] *= 1e6
    scaled = bounded(X)
    assert np.abs(scaled).max() <= 2
    ratio = scaled[0, 0] / X[0, 0]
    assert np.array_equal(np.delete(scaled, 7, axis=0), np.delete(X * ratio, 7, axis=0))
    assert np.array_equal(bounded(np.zeros((20, 3))), np.zeros((20, 3)))
    one_place = np.repeat([[0.0, 0.0], [1.0, 1.0]], [199, 1], axis=0)
    assert np.array_equal(bounded(one_place), one_place), "there is no scale by which a cell is far"


def test_explained_variance_does_not_depend_on_the_scale():
    random = np.random.default_rng(0)
    batch = random.integers(0, 2, 200)
    X = random.standard_normal((200, 6)) + batch[:, None]
    covariates = np.eye(2)[batch]
    expected = regression.explained_variance(X, covariates)
    for scale in (1e-9, 4e-7, 1e9):
        assert regression.explained_variance((scale * X).astype(np.float32), covariates) == pytest.approx(expected)
        assert regression.pcr_comparison(X, scale * X, batch) == pytest.approx(0, abs=1e-9)
    assert regression.explained_variance(np.full((200, 6), 0.1, dtype=np.float32), covariates) == 0


def test_graph_connectivity_is_that_of_the_symmetric_graph():
    """As in scib: components of the weights of the symmetric neighbour graph, per type."""
    random = np.random.default_rng(0)
    labels = random.choice(["a", "b", "c"], 150)
    X = random.standard_normal((150, 30))
    indices, distances = nearest_of_each_cell(X, 4)
    graph = connectivities(indices, distances)
    shares = []
    for label in np.unique(labels):
        _, component = connected_components(graph[labels == label][:, labels == label], connection="strong")
        shares.append(np.bincount(component).max() / (labels == label).sum())
    assert structure.graph_connectivity(indices, labels) == pytest.approx(np.mean(shares), abs=1e-12)
    assert structure.graph_connectivity_directed(indices, labels) < np.mean(shares) - 0.1


@pytest.mark.parametrize(("n_dims", "directed"), [(2, 0.999), (50, 0.885)])
def test_an_intact_type_is_connected_in_any_number_of_dimensions(n_dims, directed):
    X = np.random.default_rng(0).standard_normal((1000, n_dims))
    indices, labels = nearest_of_each_cell(X, 15)[0], np.zeros(1000)
    assert structure.graph_connectivity(indices, labels) == 1
    assert structure.graph_connectivity_directed(indices, labels) == pytest.approx(directed, abs=0.02)


def test_leiden_scores_are_means_over_seeds_and_their_spread_is_reported(cells, values):
    random = np.random.default_rng(1)
    types = random.integers(0, 5, 400)
    X = random.standard_normal((400, 8)) + 1.6 * np.eye(8)[types]
    grid = clustering.LeidenGrid(connectivities(*nearest_of_each_cell(X, 15)))
    each = [grid.run(1.0, seed) for seed in (1, 2, 3, 4)]
    agreement = [sk.normalized_mutual_info_score(types, clusters) for clusters in each]
    assert np.std(agreement, ddof=1) > 0.003, "the case must have an error to average"
    assert clustering.mean_nmi(types, grid.repeats(1.0)) == pytest.approx(np.mean(agreement))
    assert clustering.sd_nmi(types, grid.repeats(1.0)) == pytest.approx(np.std(agreement, ddof=1))
    ari = [sk.adjusted_rand_score(types, clusters) for clusters in each]
    assert clustering.mean_ari(types, grid.repeats(1.0)) == pytest.approx(np.mean(ari))
    assert clustering.sd_ari(types, grid.repeats(1.0)) == pytest.approx(np.std(ari, ddof=1))
    best = clustering.mean_nmi(types, grid.best(types))
    assert best >= clustering.mean_nmi(types, grid.repeats(1.0))
    assert values["nmi_leiden_sd"] >= 0


def test_averaging_seeds_halves_the_error_of_leiden():
    """The error is the spread over independent sets of four seeds, against that of single seeds."""
    random = np.random.default_rng(1)
    types = random.integers(0, 5, 400)
    X = random.standard_normal((400, 8)) + 1.6 * np.eye(8)[types]
    grid = clustering.LeidenGrid(connectivities(*nearest_of_each_cell(X, 15)))
    single = np.array([clustering.nmi(types, grid.run(1.0, seed)) for seed in range(48)])
    assert single.reshape(12, 4).mean(axis=1).std(ddof=1) < 0.7 * single.std(ddof=1)


def test_leiden_of_the_graph_with_single_edges_has_the_modularity_of_the_doubled_graph(cells):
    """scanpy and scib-metrics list every edge twice; the objective is the same, at half the work."""
    import igraph

    graph = connectivities(*nearest_of_each_cell(cells["embedding"], 15))
    coo = graph.tocoo()
    doubled = igraph.Graph(n=300, edges=np.column_stack([coo.row, coo.col]))
    ours = clustering.LeidenGrid(graph)
    theirs = doubled.community_leiden(objective_function="modularity", weights=coo.data.tolist(), n_iterations=10)
    quality = max(
        doubled.modularity(ours.run(1.0, seed).tolist(), weights=coo.data.tolist()) for seed in clustering.SEEDS
    )
    assert quality == pytest.approx(theirs.modularity, abs=0.01)


def test_isolated_types_have_at_least_20_cells():
    labels = np.repeat(["common", "rare", "single"], [60, 25, 1])
    batch = np.tile(["a", "b"], 43)
    batch[60:] = "a"
    assert clustering.isolated_types(labels, batch).tolist() == ["rare"]
    assert clustering.isolated_types(np.repeat(["common", "single"], [60, 26]), np.tile(["a", "b"], 43)).size == 0
    X = np.random.default_rng(0).standard_normal((86, 4)).astype(np.float32)
    few = score_embedding(
        X,
        pca=X,
        batch=batch,
        labels=np.where(labels == "rare", "common", labels),
        metrics={"bio": ["isolated_labels", "isolated_labels_f1"], "batch": [], "extra": []},
    )
    assert (few["status"] == "not_applicable").all()
    assert few["reason"].str.contains("at least 20 cells").all()


def test_cilisi_is_that_of_scintegrationmetrics(cells):
    """Per type: 1 / sum of squared fractions among the 30 nearest neighbours of the type, scaled, mean over cells."""
    X, batch, labels = (cells[key][12:] for key in ("embedding", "batch", "labels"))  # the others occur twice
    mixed = []
    for label in np.unique(labels):
        inside, of = X[labels == label], batch[labels == label]
        neighbours = NearestNeighbors(n_neighbors=31).fit(inside).kneighbors(inside, return_distance=False)[:, 1:]
        n_batches = len(np.unique(of))
        for row in neighbours:
            fractions = np.unique(of[row], return_counts=True)[1] / 30
            mixed.append((1 / np.square(fractions).sum() - 1) / (n_batches - 1))
    assert lisi.cilisi(lisi.mixing_within_types(X, batch, labels)) == pytest.approx(np.mean(mixed), abs=1e-9)


@pytest.mark.parametrize(("n_batches", "raw"), [(2, 0.90), (10, 0.56), (40, 0.24), (200, 0.06)])
def test_perfect_mixing_has_a_rescaled_ilisi_of_1_with_any_number_of_batches(n_batches, raw):
    random = np.random.default_rng(0)
    batch = random.permutation(np.arange(4000) % n_batches)
    indices, distances = nearest_of_each_cell(random.standard_normal((4000, 5)), 90)
    weights = lisi.neighbour_weights(distances)
    assert lisi.ilisi(indices, weights, batch) == pytest.approx(raw, abs=0.05)
    assert lisi.ilisi_rescaled(indices, weights, batch) == pytest.approx(1, abs=0.02)
    assert lisi.ilisi_rescaled(indices, weights, np.sort(batch)) <= 1
