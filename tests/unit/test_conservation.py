"""Metrics of transfer, geometry and expression: equal to a naive loop or an independent implementation."""

import importlib.util
from collections import Counter

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
import sklearn.metrics as sk
from scipy import sparse, stats
from scipy.spatial.distance import cdist, jensenshannon, pdist
from sklearn.neighbors import NearestNeighbors

from scbench.datasets.prepare import pca_of_batches
from scbench.graphs.connectivities import connectivities
from scbench.graphs.neighbours import nearest_of_each_cell
from scbench.metrics import expression, geometry, sbee, silhouette, transfer
from scbench.metrics.errors import NotApplicableError


@pytest.fixture(scope="module")
def cells():
    """600 cells of 4 types in 3 shifted batches, with 60 genes; a type is missing from a batch."""
    random = np.random.default_rng(2)
    types, batch = random.choice(4, 600, p=[0.4, 0.3, 0.2, 0.1]), random.integers(0, 3, 600)
    batch[(types == 3) & (batch == 2)] = 0
    pca = random.standard_normal((600, 8)) + 2 * np.eye(8)[types] + 2 * np.eye(8)[4 + batch]
    X = (pca - 1.2 * np.eye(8)[4 + batch] + 0.5 * random.standard_normal((600, 8))).astype(np.float32)
    genes = np.maximum(pca @ random.standard_normal((8, 60)) + 2 * random.standard_normal((600, 60)), 0)
    return {
        "X": X,
        "pca": pca.astype(np.float32),
        "batch": np.array([f"batch_{b}" for b in batch]),
        "labels": np.array([f"type_{t}" for t in types]),
        "expression": sparse.csr_matrix(genes, dtype=np.float32),
        "indices": NearestNeighbors(n_neighbors=90).fit(X).kneighbors(X, return_distance=False),
    }


def most_common(names):
    """Return the most frequent name; of equally frequent ones, the first."""
    return Counter(names).most_common(1)[0][0]


def test_purity_is_the_mean_over_types_of_the_same_neighbours(cells):
    indices, labels = cells["indices"][:, :15], cells["labels"]
    same = [np.mean([labels[other] == labels[cell] for other in indices[cell, 1:]]) for cell in range(600)]
    of_types = [np.mean(np.array(same)[labels == name]) for name in np.unique(labels)]
    assert transfer.knn_purity(indices, labels) == pytest.approx(np.mean(of_types), abs=1e-12)


def test_label_transfer_is_the_macro_f1_of_a_neighbour_classifier(cells):
    X, batch, labels = cells["X"], cells["batch"], cells["labels"]
    scores = []
    for name in np.unique(batch):
        inside = batch == name
        near = NearestNeighbors(n_neighbors=15).fit(X[~inside]).kneighbors(X[inside], return_distance=False)
        predicted = [most_common(labels[~inside][row]) for row in near]
        names = np.unique(labels[inside])
        scores.append(sk.f1_score(labels[inside], predicted, labels=names, average="macro"))
    for n_known in (15, 30, 90):  # no cells, most cells, all cells have 15 of other batches
        known = cells["indices"][:, :n_known]
        assert transfer.label_transfer(X, known, batch, labels) == pytest.approx(np.mean(scores), abs=1e-9)
    with pytest.raises(NotApplicableError):
        transfer.label_transfer(X, known, np.char.add("of_", labels), labels)


def test_of_equally_frequent_types_the_nearest_is_predicted():
    votes = np.array([[1, 0, 0, 1], [2, -1, -1, 0], [-1, -1, -1, -1], [0, 1, 1, 2]])
    assert transfer.majority(votes, 3).tolist() == [1, 2, -1, 1]


def test_kni_equals_a_loop_over_cells(cells):
    indices, batch, labels = cells["indices"], cells["batch"], cells["labels"]
    hits = []
    for cell in range(600):
        near = indices[cell, 1:51]
        others = near[batch[near] != batch[cell]]
        mixed = (batch[near] == batch[cell]).sum() < 0.8 * 50
        hits.append(mixed and most_common(labels[others]) == labels[cell])
    assert 0.1 < np.mean(hits) < 0.95
    assert transfer.kni(indices, batch, labels) == pytest.approx(np.mean(hits), abs=1e-9)


def test_sbee_is_the_formula_of_scib_metrics_cell_by_cell(cells):
    X, indices, batch, labels = (cells[key] for key in ("X", "indices", "batch", "labels"))
    names, scores = np.unique(batch), []
    for cell in range(600):
        of_type = labels == labels[cell]
        near = indices[cell, : min(90, of_type.sum())]
        local = np.array([((batch[near] == name) & of_type[near]).sum() for name in names])
        whole = np.array([((batch == name) & of_type).sum() for name in names])
        p, q = (np.clip(counts, 1e-10, None) / np.clip(counts, 1e-10, None).sum() for counts in (local, whole))
        composition = 1 - jensenshannon(p, q, base=2)
        own = of_type & (batch == batch[cell])
        own[cell] = False
        distances = cdist(X[[cell]].astype(float), X.astype(float))[0]
        ratio = np.median(distances[own]) / np.median(distances[of_type & (batch != batch[cell])])
        distance = np.exp(-abs(1 - min(ratio, 1)) / 0.15)
        scores.append(2 * composition * distance / (composition + distance))
    table = pd.DataFrame({"type": labels, "batch": batch, "score": scores})
    expected = table.groupby(["type", "batch"])["score"].mean().groupby(level="type").mean().mean()
    assert sbee.sbee(indices, X, batch, labels) == pytest.approx(expected, abs=1e-9)


def test_sbee_leaves_out_cells_that_are_alone_and_gives_1_to_types_of_one_batch(cells):
    X = cells["X"][:60]
    indices = nearest_of_each_cell(X, 20)[0]
    one_batch = sbee.sbee(indices, X, np.full(60, "a"), np.full(60, "t"))
    assert one_batch == pytest.approx(1)
    batch = np.where(np.arange(60) == 0, "b", "a")
    assert sbee.sbee(indices, X, batch, np.full(60, "t")) > 0.8, "cell 0 has no distance to its own batch"


def test_within_type_conservation_is_the_correlation_of_distances(cells):
    pca, X, batch, labels = (cells[key] for key in ("pca", "X", "batch", "labels"))
    means = []
    for label in np.unique(labels):
        groups = [(labels == label) & (batch == name) for name in np.unique(batch)]
        each = [np.corrcoef(pdist(pca[g]), pdist(X[g]))[0, 1] for g in groups if g.sum() >= 30]
        means += [np.mean(each)] if each else []
    assert geometry.within_type_conservation(pca, X, batch, labels) == pytest.approx(np.mean(means), abs=1e-6)
    assert geometry.within_type_conservation(pca, 3 * pca, batch, labels) == pytest.approx(1)
    oracle = np.eye(4)[np.unique(labels, return_inverse=True)[1]] + 0.01 * np.random.default_rng(0).random((600, 4))
    assert abs(geometry.within_type_conservation(pca, oracle, batch, labels)) < 0.1, "cell types and nothing else"


@pytest.mark.skipif(importlib.util.find_spec("scgraph") is None, reason="scgraph-eval is not installed")
def test_scgraph_equals_scgraph_eval(cells, tmp_path):
    from scgraph import scGraph

    obs = pd.DataFrame({key: pd.Categorical(cells[key]) for key in ("batch", "labels")})
    adata = anndata.AnnData(X=cells["expression"], obs=obs.set_index(obs.index.astype(str)))
    adata.obsm["X_emb"] = cells["X"]
    adata.write_h5ad(tmp_path / "data.h5ad")
    theirs = scGraph(str(tmp_path / "data.h5ad"), "batch", "labels", only_umap=False).main(["X_emb"])
    of_batches = pca_of_batches(adata)
    ours = geometry.scgraph(cells["X"], of_batches, cells["batch"], cells["labels"])
    assert ours == pytest.approx(theirs.loc["X_emb", "Corr-Weighted"], abs=1e-4)


def test_scgraph_is_the_weighted_correlation_of_distances_between_types():
    random = np.random.default_rng(0)
    labels, batch = np.repeat(["a", "b", "c", "d"], 50), np.tile(["x", "y"], 100)
    centres = random.standard_normal((4, 6))
    X = centres[np.repeat(range(4), 50)] + 0.01 * random.standard_normal((200, 6))
    assert geometry.scgraph(X, X, batch, labels) == pytest.approx(1, abs=1e-3)
    other = random.standard_normal((4, 6))[np.repeat(range(4), 50)]
    distances = [cdist(C, C) / cdist(C, C).max(axis=0) for C in (other[::50], centres)]
    each = []
    for found, known in zip(*(matrix.T for matrix in distances), strict=True):
        weights = np.array([1 / value if value else 0 for value in known])
        covariance = np.cov(found, known, aweights=weights)
        each.append(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
    assert geometry.scgraph(other, X, batch, labels) == pytest.approx(np.mean(each), abs=0.02)
    with pytest.raises(NotApplicableError, match="2 cell types have 10 cells"):
        geometry.scgraph(X[:100], X[:100], batch[:100], labels[:100])


def test_diffusion_pseudotime_equals_scanpy(cells):
    random = np.random.default_rng(0)
    time = random.random(200)
    X = np.column_stack([np.cos(2 * time), np.sin(2 * time), 0.1 * random.standard_normal(200)])
    adata = anndata.AnnData(X=X.astype(np.float32))
    scanpy.pp.neighbors(adata, n_neighbors=15, use_rep="X")
    scanpy.tl.diffmap(adata)
    adata.uns["iroot"] = int(time.argmin())
    scanpy.tl.dpt(adata)
    ours = geometry.diffusion_pseudotime(adata.obsp["connectivities"].astype(float), int(time.argmin()))
    assert ours / ours.max() == pytest.approx(adata.obs["dpt_pseudotime"].to_numpy(), abs=1e-3)
    rho = stats.spearmanr(time, ours).statistic
    graph = adata.obsp["connectivities"]
    assert geometry.trajectory_conservation(graph, time) == pytest.approx((rho + 1) / 2, abs=1e-6)
    assert rho > 0.95
    assert geometry.trajectory_conservation(graph, np.where(time > 0.5, np.nan, time)) > 0.95
    assert geometry.trajectory_conservation(graph, random.permutation(time)) == pytest.approx(0.5, abs=0.1)


def test_morans_i_equals_scanpy_after_subtracting_the_means_of_the_batches(cells):
    graph = connectivities(*nearest_of_each_cell(cells["X"], 15))
    z = cells["expression"].toarray().astype(float)
    for name in np.unique(cells["batch"]):
        z[cells["batch"] == name] -= z[cells["batch"] == name].mean(axis=0)
    theirs = scanpy.metrics.morans_i(graph.astype(float), z.T)
    ours = expression.morans_i(graph, cells["expression"], cells["batch"])
    assert ours == pytest.approx(theirs.mean(), abs=1e-6)
    assert ours > 0.05
    shuffled = np.random.default_rng(0).permutation(600)
    assert expression.morans_i(graph, cells["expression"][shuffled], cells["batch"]) == pytest.approx(0, abs=0.02)


def test_the_silhouette_of_clusters_is_that_of_scikit_learn(cells):
    clusterings = [np.unique(cells["labels"], return_inverse=True)[1], np.arange(600) % 2, np.zeros(600, int)]
    each = [(sk.silhouette_score(cells["X"], clusters) + 1) / 2 for clusters in clusterings[:2]]
    assert silhouette.silhouette_clusters(cells["X"], clusterings) == pytest.approx(np.mean(each), abs=1e-4)
    with pytest.raises(NotApplicableError, match="one cluster"):
        silhouette.silhouette_clusters(cells["X"], clusterings[2:])
