"""Methods that make a graph: neighbours along its edges, which scores it has, and the file that holds it."""

import networkx
import numpy as np
import pandas as pd
import pytest
from conftest import nearest_centre
from scipy import sparse

from scbench.analyses.projection import project
from scbench.files import read_embedding, read_graph, write_embedding
from scbench.graphs import neighbours
from scbench.graphs.connectivities import connectivities
from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.graphs.paths import nearest_along_edges
from scbench.metrics.catalogue import METRICS
from scbench.metrics.suite import score_embedding
from scbench.types import ContractError, Embedding, Graph

ALL = {"bio": list(METRICS), "batch": [], "extra": []}
OF_A_GRAPH = {
    *("nmi_leiden_best", "nmi_leiden_r1", "nmi_own", "ari_leiden_best", "ari_leiden_r1", "ari_own"),
    *("isolated_labels_f1", "clisi", "ilisi", "kbet", "graph_connectivity", "batch_classifier"),
}

OF_COORDINATES = ["nmi_kmeans", "ari_kmeans", "silhouette_cell_type", "isolated_labels", "silhouette_batch", "bras"]
OF_COORDINATES += ["pcr_comparison", "cell_cycle_conservation", "trustworthiness", "cilisi"]


def graph_of(X: np.ndarray, k: int) -> Graph:
    """The graph of `k` neighbours including the cell itself, as scanpy stores it."""
    indices, distances = nearest_of_each_cell(X, k)
    rows = np.repeat(np.arange(len(X)), k - 1)
    shape = (len(X), len(X))
    lengths = sparse.csr_matrix((distances[:, 1:].ravel(), (rows, indices[:, 1:].ravel())), shape)
    return Graph(connectivities(indices, distances), lengths)


@pytest.fixture(scope="module")
def cells():
    random = np.random.default_rng(0)
    types, batch = random.integers(0, 3, 240), random.integers(0, 2, 240)
    batch[types == 2] = 0
    X = (random.standard_normal((240, 8)) + 5 * np.eye(8)[types] + np.eye(8)[5 + batch]).astype(np.float32)
    return {"embedding": X, "pca": X, "batch": batch.astype(str), "labels": types.astype(str)}


def scores(cells, graph=None):
    extra = {"clusters": cells["labels"], "phases": cells["pca"][:, :2], "graph": graph}
    return score_embedding(**cells, **extra, metrics=ALL).set_index("metric")


# ---- neighbours


def test_approximate_search_finds_most_neighbours_whatever_the_order_of_the_queries(monkeypatch):
    random = np.random.default_rng(0)
    X = (random.standard_normal((6000, 6)) + 3 * random.integers(0, 2, (6000, 6))).astype(np.float32)
    exact = neighbours.nearest(X, X, 10)[0]
    monkeypatch.setattr(neighbours, "EXACT_BELOW", 6000)
    monkeypatch.setattr(neighbours, "LISTS_VISITED", 12)
    found, distances = neighbours.nearest(X, X, 10)
    shared = np.mean([len(np.intersect1d(*rows)) for rows in zip(found, exact, strict=True)]) / 10
    assert 0.9 < shared < 1, "the search is approximate"
    assert np.allclose(distances, np.linalg.norm(X[found] - X[:, None], axis=2), atol=1e-5)
    order = random.permutation(6000)
    assert np.array_equal(neighbours.nearest(X, X[order], 10)[0], found[order])


def test_nearest_along_edges_are_those_of_shortest_paths(cells):
    graph = graph_of(cells["embedding"][:60], 5)
    symmetric = graph.distances.maximum(graph.distances.T)
    oracle = dict(networkx.all_pairs_dijkstra_path_length(networkx.from_scipy_sparse_array(symmetric)))
    indices, distances = nearest_along_edges(graph.connectivities, graph.distances, 8)
    for cell in range(60):
        lengths = sorted(oracle[cell].values())
        assert len(lengths) >= 8
        assert distances[cell] == pytest.approx(lengths[:8])
        assert [oracle[cell][other] for other in indices[cell]] == pytest.approx(distances[cell])
        assert indices[cell, 0] == cell
        assert len(set(indices[cell])) == 8


def test_a_small_component_is_repeated_and_a_single_cell_is_its_own_neighbour():
    pair = sparse.csr_matrix(np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]))
    indices, distances = nearest_along_edges(pair, 4 * pair, 4)
    assert indices.tolist() == [[0, 1, 1, 1], [1, 0, 0, 0], [2, 2, 2, 2]]
    assert distances.tolist() == [[0, 2, 2, 2], [0, 2, 2, 2], [0, 0, 0, 0]]


def test_an_edge_without_a_length_has_length_0():
    edges = sparse.csr_matrix(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    lengths = sparse.csr_matrix(np.array([[0, 0, 0], [0, 0, 3], [0, 0, 0]]))
    assert nearest_along_edges(edges, lengths, 3)[1].tolist() == [[0, 0, 3], [0, 0, 3], [0, 3, 3]]


# ---- scores


def test_a_graph_has_scores_where_neighbours_are_enough_and_no_others(cells):
    found = scores(cells, graph_of(cells["embedding"], 15))
    assert set(found["status"]) == {"ok", "not_applicable"}
    assert (found.loc[sorted(OF_A_GRAPH), "status"] == "ok").all()
    assert (found.loc[OF_COORDINATES, "reason"] == "the method makes a graph, without coordinates").all()


def test_the_graph_of_an_embedding_has_the_clusters_of_the_embedding(cells):
    names = ["nmi_leiden_best", "nmi_leiden_r1", "ari_leiden_best", "ari_leiden_r1", "isolated_labels_f1"]
    graph = graph_of(cells["embedding"], 15)
    assert scores(cells, graph)["value"][names].equals(scores(cells)["value"][names])


def test_scores_of_a_graph_see_the_graph_and_not_the_coordinates(cells):
    """Edges only within batches, in a space where the batches are mixed."""
    X = cells["embedding"].copy()
    X[:, 7] += 100 * (cells["batch"] == "1")
    apart, mixed = scores(cells, graph_of(X, 15))["value"], scores(cells)["value"]
    assert apart["ilisi"] == pytest.approx(0, abs=1e-6)
    assert mixed["ilisi"] > 0.3


def test_the_order_of_the_cells_does_not_matter(cells):
    graph = graph_of(cells["embedding"], 15)
    order = np.random.default_rng(1).permutation(240)
    shuffled = {name: values[order] for name, values in cells.items()}
    one, other = scores(cells, graph)["value"], scores(shuffled, graph.ordered(order))["value"]
    pd.testing.assert_series_equal(one, other, check_exact=True)


def test_the_umap_of_a_graph_is_that_of_its_edges(cells):
    """Edges between cells of the same type only, in a space without types."""
    random = np.random.default_rng(2)
    types = cells["labels"].astype(int)
    X = random.standard_normal((240, 8)).astype(np.float32)
    apart = graph_of(X + 50 * np.eye(8, dtype=np.float32)[types], 12)
    assert nearest_centre(project(X, graph=apart), cells["labels"]) > 0.9
    assert nearest_centre(project(X), cells["labels"]) < 0.6


# ---- the file


def test_a_graph_comes_back_from_its_file_and_an_embedding_has_none(cells, tmp_path):
    X, ids = cells["embedding"], pd.Index([f"cell_{i}" for i in range(240)])
    graph = graph_of(X, 5)
    write_embedding(tmp_path / "graph.h5ad", Embedding(X=X, graph=graph), ids, {"method": "mine"})
    write_embedding(tmp_path / "plain.h5ad", Embedding(X=X), ids, {"method": "mine"})
    found = read_graph(tmp_path / "graph.h5ad")
    for name in ("connectivities", "distances"):
        assert abs(getattr(found, name) - getattr(graph, name)).nnz == 0
    assert np.array_equal(read_embedding(tmp_path / "graph.h5ad", ids)[0], X)
    assert read_graph(tmp_path / "plain.h5ad") is None


def test_a_graph_that_breaks_the_contract_is_refused(cells, tmp_path):
    X, ids = cells["embedding"], pd.Index([f"cell_{i}" for i in range(240)])
    good = graph_of(X, 5)
    holed = good.distances.copy()
    holed.data[0] = np.nan
    for graph, words in [
        (Graph(good.distances, good.distances), "not symmetric"),
        (Graph(good.connectivities[:9], good.distances), "all pairs of cells"),
        (Graph(good.connectivities.tocoo(), good.distances), "not a CSR matrix"),
        (Graph(good.connectivities, holed), "negative or not finite"),
    ]:
        with pytest.raises(ContractError, match=words):
            write_embedding(tmp_path / "graph.h5ad", Embedding(X=X, graph=graph), ids, {})
