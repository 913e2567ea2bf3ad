"""Every intermediate of scDML equals a plain loop over cells, on simulated and on real data."""

import dataclasses
from functools import partial
from itertools import permutations, product
from types import SimpleNamespace

import igraph
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT, SHARED, make_dataset
from scipy import sparse

from scbench.config import load_config
from scbench.graphs import edges, leiden
from scbench.graphs import merging as clusters
from scbench.graphs.agreement import ari
from scbench.methods import scdml, scdml_iterative
from scbench.metric_learning import rounds, start, triplets
from scbench.metric_learning.network import MixingNetwork, TripletNetwork
from scbench.metric_learning.parameters import ScdmlParameters, SelfTrainingParameters
from scbench.metric_learning.rounds import RoundTrainer
from scbench.metric_learning.scaling import BatchScaling, principal_components
from scbench.metric_learning.self_training import ROUND_COLUMNS, Trained, self_train
from scbench.neural.automatic import embedding_width
from scbench.neural.cells import Cells
from scbench.neural.discrepancy import distance_within_clusters, flatness
from scbench.neural.fit import load
from scbench.neural.training import apply
from scbench.prepared import method_input
from scbench.registry import load_registry
from scbench.types import HISTORY_COLUMNS, Embedding

distance_of_batches = partial(distance_within_clusters, n_batches=2, n_clusters=4, scale_of_clusters=True)
FEW_STEPS = {"seed": 0, "device": "cpu", "threads": 1, "epochs": 2}
SETTINGS = {"hvg_batch_aware": True, "target_sum": 10000, "n_pcs": 20, "min_cells_per_gene": 3}


@pytest.fixture(scope="module", params=["simulated", "cellbench_celllines"])
def stages(request):
    """The dataset and what the library makes of it up to the fine clusters."""
    from scbench.datasets.prepare import prepare

    if request.param == "simulated":
        from scbench.datasets.simulate import simulate

        raw = simulate(n_cells=400, n_genes=300, n_types=5, n_batches=3, rare_types={"type_5": 0.03})
    else:
        import anndata

        path = SHARED / "data" / "cellbench_celllines.h5ad"
        if not path.exists():
            pytest.skip("../shared/data/cellbench_celllines.h5ad is not on this machine")
        raw = anndata.read_h5ad(path)
        raw.obs["batch"] = raw.obs["batch"].astype("category")
    data = method_input(prepare(raw, n_top_genes=600, **SETTINGS)[0], request.param, "lognorm")
    scaling = BatchScaling.of(data.X, data.batch)
    pca = principal_components(data.X, data.batch, scaling, 100)
    within = edges.neighbours_within_batches(pca, data.batch, 5)
    between = edges.mutual_neighbours_between_batches(pca, data.batch, 10)
    fine = leiden.fine_clusters(pca[:, :50], resolution=3.0, seed=0)
    return SimpleNamespace(
        data=data, scaling=scaling, pca=pca, within=within, between=between, fine=fine, edges=within + between
    )


def scaled_by_hand(data) -> np.ndarray:
    X, scaled = data.X.toarray().astype(float), np.zeros(data.X.shape)
    for code in np.unique(data.batch):
        rows = data.batch == code
        sd = X[rows].std(0, ddof=1)
        scaled[rows] = (X[rows] - X[rows].mean(0)) / np.where(sd == 0, 1, sd)
    return np.clip(scaled, -10, 10)


def network(stages, **options) -> TripletNetwork:
    n_batches, n_genes = stages.scaling.mean.shape
    model = TripletNetwork(ScdmlParameters(**options), n_batches=n_batches, n_genes=n_genes)
    model.start_at(stages.scaling)
    return model


def pairs_of(matrix) -> set:
    return set(zip(*(index.tolist() for index in matrix.nonzero()), strict=True))


# ---- fidelity


def test_scaling_is_the_z_score_of_each_batch_in_the_order_of_the_cells(stages):
    chunks = list(stages.scaling.chunks(stages.data.X, stages.data.batch))
    assert np.allclose(np.concatenate([scaled for _, scaled in chunks]), scaled_by_hand(stages.data), atol=2e-4)


def test_principal_components_equal_a_singular_value_decomposition(stages):
    scaled = scaled_by_hand(stages.data)
    u, s, _ = np.linalg.svd(scaled - scaled.mean(0), full_matrices=False)
    expected = u[:, :15] * s[:15]
    sign = np.sign((expected * stages.pca[:, :15]).sum(0))
    assert np.abs(expected * sign - stages.pca[:, :15]).max() < 1e-3 * np.abs(expected).max()
    assert np.linalg.norm(stages.pca, axis=0) == pytest.approx(s[: stages.pca.shape[1]], rel=1e-3)


def test_edges_equal_a_loop_over_cells_and_batches(stages):
    batch, pca = stages.data.batch, stages.pca.astype(float)
    distance = 1 - (unit := pca / np.linalg.norm(pca, axis=1, keepdims=True)) @ unit.T
    cells = {code: np.flatnonzero(batch == code) for code in np.unique(batch)}

    def closest(cell, code, k):
        others = cells[code][cells[code] != cell]
        return set(others[np.argsort(distance[cell, others])[:k]].tolist())

    within, between = set(), set()
    for cell, code in enumerate(batch):
        for other in closest(cell, code, 4):
            within |= {(cell, other), (other, cell)}
        for there in cells.keys() - {code}:
            for other in closest(cell, there, 10):
                if cell in closest(other, code, 10):
                    between.add((cell, other))
    assert pairs_of(stages.within) == within
    assert pairs_of(stages.between) == between
    assert set(stages.edges.data) == {1}


def test_edge_counts_similarity_and_merge_order_equal_a_loop_over_edges(stages):
    groups = {code: set(np.flatnonzero(stages.fine == code).tolist()) for code in np.unique(stages.fine)}
    joined = pairs_of(stages.edges)
    counts = clusters.edge_counts(stages.edges, stages.fine)
    sizes = np.bincount(stages.fine)
    similar = clusters.similarity(counts, sizes)

    def compare(i, j):
        n_edges = sum((a, b) in joined for a, b in product(groups[i], groups[j]))
        return n_edges, n_edges / min(len(groups[i]), len(groups[j]))

    table = {(i, j): compare(i, j) for i, j in permutations(groups, 2)}
    for (i, j), (n_edges, expected) in table.items():
        assert counts[i, j] == n_edges
        assert similar[i, j] == expected
    assert (np.diag(similar) == -1).all()
    order = []
    while len(groups) > 1:
        i, j = max(((i, j) for i, j in table if i < j), key=lambda pair: (table[pair][1], -pair[0], -pair[1]))
        order.append((i, j))
        groups[i] |= groups.pop(j)
        table = {pair: value for pair, value in table.items() if j not in pair}
        for other in groups.keys() - {i}:
            table[i, other] = table[other, i] = compare(i, other)
    assert clusters.merge_order(counts, sizes) == order


@pytest.mark.parametrize("mining", ["hard", "semihard"])
def test_mined_triplets_and_loss_equal_three_loops_over_a_minibatch(stages, mining):
    torch.manual_seed(0)
    model = network(stages, hidden=32, latent_dim=8)
    rows = np.random.default_rng(0).permutation(len(stages.fine))[:40]
    scaled = torch.from_numpy(scaled_by_hand(stages.data)[rows].astype(np.float32))
    with torch.no_grad():
        E = model.layers(scaled).double()
    E /= E.norm(dim=1).median()
    label, points = stages.fine[rows] // 3, E.numpy()
    expected, losses = set(), []
    for a, p, n in product(range(len(rows)), repeat=3):
        if a != p and label[a] == label[p] and label[a] != label[n]:
            gap = np.linalg.norm(points[a] - points[n]) - np.linalg.norm(points[a] - points[p])
            if (gap <= 0) if mining == "hard" else (0 < gap < 0.2):
                expected.add((a, p, n))
                losses.append(0.2 - gap)
    assert len(expected) > 20
    mined = triplets.mine(triplets.distances(E), torch.from_numpy(label), mining, 0.2)
    assert pairs_of(mined.numpy()) == expected
    loss, n_mined = triplets.triplet_loss(E, torch.from_numpy(label), mining=mining, margin=0.2)
    assert n_mined == len(losses)
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-4)


def test_the_number_of_clusters_is_that_of_well_separated_groups_by_either_graph():
    counts = np.kron(np.eye(3), np.full((4, 4), 50.0)) + 1
    assert clusters.number_of_clusters(counts) == 3
    similar = clusters.similarity(counts, np.full(12, 20))
    B = clusters.two_step_graph(similar)
    A = np.where(similar > 0, similar, 0) / similar.max()
    expected = [
        [0 if i == j else A[i, j] + sum(A[i, k] * A[k, j] for k in range(12)) for j in range(12)] for i in range(12)
    ]
    assert np.allclose(B, expected)
    assert clusters.number_of_clusters(B) == 3
    assert clusters.number_of_clusters(B, low=4, high=6) in (4, 5, 6)


def test_clusters_are_merged_until_they_are_separate():
    # Four pairs of fine clusters with many edges within a pair. Two of the pairs are parts of one group.
    counts = np.kron(np.eye(4), [[10.0, 40.0], [40.0, 10.0]]) + 0.1
    counts[:2, 2:4] += 10
    counts[2:4, :2] += 10
    group = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    assert clusters.number_of_clusters(counts) == 4
    merging = clusters.Merging(np.arange(8), counts)
    assert clusters.largest_share(counts) == pytest.approx(40.1 / counts[7].sum())
    parts = merging.into(4)
    assert clusters.largest_share(clusters.edge_counts(sparse.csr_matrix(counts), parts)) > clusters.SEPARATE
    found = merging.separate()
    assert ari(found, group) == 1
    assert clusters.largest_share(clusters.edge_counts(sparse.csr_matrix(counts), found)) <= clusters.SEPARATE
    assert merging.separate(low=4).max() + 1 == 4, "no fewer than asked for"
    assert merging.separate(high=2).max() + 1 == 2, "no more than asked for"


def test_without_separate_clusters_modularity_decides_instead_of_the_similarity():
    group = np.array([0] * 6 + [1] * 6)
    counts = np.where(group[:, None] == group, 10.0, 4.0)
    np.fill_diagonal(counts, 20)
    fine = np.repeat(np.arange(12), 20)
    merging = clusters.Merging(fine, counts)
    assert ari(merging.into(2), group[fine]) < 0.5
    assert ari(merging.separate(high=2), group[fine]) == 1


def test_merges_by_modularity_equal_those_of_igraph():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 20, (9, 9)).astype(float)
    counts += counts.T
    graph = igraph.Graph.Weighted_Adjacency(counts, mode="undirected", loops="twice")
    membership, order = np.arange(9), []
    while len(set(membership)) > 1:
        pairs = [(i, j) for i, j in permutations(sorted(set(membership)), 2) if i < j]
        after = [graph.modularity(np.where(membership == j, i, membership), "weight") for i, j in pairs]
        i, j = pairs[int(np.argmax(after))]
        order.append((i, j))
        membership[membership == j] = i
    assert clusters.modularity_order(counts) == order


def test_the_network_sees_what_the_components_saw(stages):
    model = network(stages, hidden=4, latent_dim=2, unit=False)
    cells = Cells("cpu", {"x": stages.data.X, "batch": stages.data.batch, "cluster": stages.fine})
    rows = np.arange(0, len(stages.fine), 7)
    scaled = torch.from_numpy(scaled_by_hand(stages.data)[rows].astype(np.float32))
    with torch.no_grad():
        assert torch.allclose(model.embed(**cells.take(rows)), model.layers(scaled), atol=1e-3)


# ---- triplets


def test_the_gradient_equals_that_of_the_plain_mean_and_is_finite_at_distance_zero():
    torch.manual_seed(0)
    E = torch.randn(20, 3)
    E[1] = E[0]
    label = torch.arange(20) % 3
    gradients = []
    for plain in (False, True):
        X = E.clone().requires_grad_()
        if plain:
            D = triplets.distances(X)
            violation = D[:, :, None] - D[:, None, :] + 0.2
            loss = violation[triplets.mine(D.detach(), label, "hard", 0.2)].mean()
        else:
            loss = triplets.triplet_loss(X, label, mining="hard", margin=0.2)[0]
        loss.backward()
        gradients.append(X.grad)
    assert torch.isfinite(gradients[0]).all()
    assert torch.allclose(*gradients, atol=1e-6)


def test_random_mining_draws_one_negative_for_each_anchor_and_positive():
    torch.manual_seed(0)
    E, label = torch.randn(30, 4), torch.arange(30) % 4
    D = triplets.distances(E)
    everything = triplets.mine(D, label, "random", 1e9)
    same = label[:, None] == label
    assert torch.equal(everything.sum(2), (same & ~torch.eye(30, dtype=torch.bool)).long())
    assert not everything[:, same.any(0)][same[:, None, :].expand_as(everything)].any()


def test_semihard_mining_falls_back_to_hard_and_nothing_mined_costs_nothing():
    D = torch.tensor([[0.0, 5, 1], [5, 0, 1], [1, 1, 0]])
    label = torch.tensor([0, 0, 1])
    assert triplets.mine(D, label, "semihard", 0.2).nonzero().tolist() == [[0, 1, 2], [1, 0, 2]]
    E = torch.randn(5, 2, requires_grad=True)
    loss, n_mined = triplets.triplet_loss(E, torch.arange(5), mining="hard", margin=0.2)
    loss.backward()
    assert (loss.item(), n_mined.item(), E.grad.abs().sum().item()) == (0, 0, 0)


@pytest.mark.parametrize("method", [scdml, scdml_iterative])
def test_an_unknown_mining_is_named(method):
    with pytest.raises(ValueError, match="mining: 'soft' is not known; choose one of hard, semihard, random"):
        method.integrate(make_dataset("lognorm"), **FEW_STEPS, mining="soft")


def test_the_balanced_sampler_makes_clusters_and_their_batches_equally_common():
    cluster = np.repeat([0, 1, 2], [900, 90, 10])
    batch = (np.arange(1000) % 10 == 0).astype(int)
    minibatches = triplets.balanced_minibatches(cluster, batch, 60)(np.random.default_rng(0))
    drawn = np.concatenate(minibatches)
    assert all(np.bincount(cluster[cells]).tolist() == [20, 20, 20] for cells in minibatches)
    assert len(drawn) == 960
    assert pd.Series(batch[drawn]).groupby(cluster[drawn]).mean().to_numpy() == pytest.approx([0.5] * 3, abs=0.1)
    pairs = np.concatenate([batch[cells].reshape(-1, 2) for cells in minibatches])
    assert np.array_equal(pairs[:, 0], pairs[:, 1]), "two cells of a batch at a time can be compared with the others"


# ---- clusters


def test_fine_clusters_are_the_same_for_the_same_seed_and_leave_the_random_state_of_igraph_alone():
    X = np.random.default_rng(0).normal(size=(200, 5))
    first = leiden.fine_clusters(X, resolution=3.0, seed=0)
    assert np.array_equal(first, leiden.fine_clusters(X, resolution=3.0, seed=0))
    assert (np.diff(np.bincount(first)) <= 0).all()
    assert igraph.Graph.Full(4).community_leiden(objective_function="modularity").modularity is not None


def test_fine_clusters_of_many_cells_stop_early_and_are_as_modular(monkeypatch):
    X = np.random.default_rng(0).normal(size=(3000, 20))
    graph = sparse.triu(edges.neighbour_graph(X, leiden.N_NEIGHBOURS), format="coo")
    graph = igraph.Graph(len(X), np.column_stack([graph.row, graph.col]))
    to_the_end = leiden.fine_clusters(X, resolution=1.0, seed=0)
    monkeypatch.setattr(leiden, "TO_THE_END_BELOW", 2999)
    early = leiden.fine_clusters(X, resolution=1.0, seed=0)
    assert graph.modularity(early) == pytest.approx(graph.modularity(to_the_end), rel=0.02)
    monkeypatch.setattr(leiden, "N_ITERATIONS", 1)
    assert not np.array_equal(early, leiden.fine_clusters(X, resolution=1.0, seed=0)), "it stops when it should"


def test_a_cluster_of_one_cell_merges_like_any_other():
    fine = np.array([0, 0, 0, 1, 1, 2])
    counts = np.array([[6.0, 0, 2], [0, 2, 1], [2, 1, 0]])
    merging = clusters.Merging(fine, counts)
    assert clusters.merge_order(counts, merging.sizes) == [(0, 2), (0, 1)]
    assert merging.into(2).tolist() == [0, 0, 0, 1, 1, 0]
    assert merging.into(7).tolist() == fine.tolist()


# ---- edge cases of whole runs


def run_both(data):
    """Both methods give an embedding that sets cells apart, and its own clusters, numbered by their size."""
    for method, kind in ((scdml, TripletNetwork), (scdml_iterative, MixingNetwork)):
        result = method.integrate(data, **FEW_STEPS)
        assert result.X.shape[0] == len(result.cluster) == data.n_cells
        assert np.isfinite(result.X).all()
        assert len(np.unique(result.X.round(5), axis=0)) > 0.8 * data.n_cells
        sizes = np.bincount(result.cluster)
        assert len(sizes) >= 2
        assert (np.diff(sizes) <= 0).all()
        assert sizes.min() >= 1
        cells = Cells("cpu", {"x": data.X, "batch": data.batch})
        assert np.array_equal(apply(load(result.model, kind).embed, cells), result.X)


def test_one_batch_gives_a_result():
    run_both(dataclasses.replace(make_dataset("lognorm"), batch=np.zeros(300, int), batch_names=("a",)))


def test_a_batch_without_mutual_neighbours_gives_a_result(monkeypatch):
    def none(X, batch, k):
        asked.append(k)
        return edges._symmetric([], len(X))

    asked = []
    monkeypatch.setattr(start, "mutual_neighbours_between_batches", none)
    run_both(make_dataset("lognorm"))
    assert asked == [10, 10]


def test_fewer_cells_than_neighbours_and_a_batch_of_one_cell_give_a_result():
    data = make_dataset("lognorm", n_cells=8)
    run_both(dataclasses.replace(data, batch=np.array([0] * 7 + [1])))


def test_a_single_cluster_is_refused_with_its_remedy():
    data = make_dataset("lognorm")
    for method in (scdml, scdml_iterative):
        with pytest.raises(ValueError, match="n_clusters: 1 is below 2"):
            method.integrate(data, **FEW_STEPS, n_clusters=1)
        with pytest.raises(ValueError, match="raise resolution"):
            method.integrate(data, **FEW_STEPS, resolution=1e-6)
    merging = clusters.Merging(np.array([0, 1, 2]), np.ones((3, 3)))
    with pytest.raises(ValueError, match="n_clusters >= 2, or raise resolution"):
        merging.into(1)


def test_the_number_of_clusters_is_that_of_the_cell_types_only_where_they_are_given():
    data = make_dataset("lognorm")
    given = dataclasses.replace(data, labels=np.array([f"type_{i % 7}" for i in range(300)]))
    assert scdml.integrate(given, **FEW_STEPS).cluster.max() + 1 == 7
    assert scdml.integrate(dataclasses.replace(given, labels=None), **FEW_STEPS).cluster.max() + 1 != 7


def test_the_graph_of_the_eigengap_can_be_chosen_but_not_invented(monkeypatch):
    seen, data = [], dataclasses.replace(make_dataset("lognorm"), labels=None)
    monkeypatch.setattr(clusters, "number_of_clusters", lambda graph, *bounds: seen.append(graph) or 3)
    for choice in ({}, {"eigengap": "edges"}, {"eigengap": "two_step"}):
        scdml.integrate(data, **FEW_STEPS, **choice)
    counts, same, published = seen
    assert np.array_equal(counts, same)
    assert (np.diag(counts) > 0).all()
    assert published.shape == counts.shape
    assert not np.diag(published).any()
    with pytest.raises(ValueError, match="eigengap: 'magic'"):
        scdml.integrate(data, **FEW_STEPS, eigengap="magic")


def test_only_the_published_variant_leaves_the_unit_sphere():
    registry, length = load_registry(load_config(ROOT / "config", {})["methods"]), {}
    for method in ("scdml", "scdml_published"):
        result = scdml.integrate(make_dataset("lognorm"), **{**registry[method].params, **FEW_STEPS})
        length[method] = np.linalg.norm(result.X, axis=1)
    assert length["scdml"] == pytest.approx(1, abs=1e-5)
    assert np.ptp(length["scdml_published"]) > 0.1


def test_the_embedding_is_as_wide_as_the_dataset_is_large_or_as_asked_for():
    assert [embedding_width(n) for n in (500, 5_000, 50_000, 500_000)] == [16, 32, 64, 128]
    assert scdml_iterative.integrate(make_dataset("lognorm"), **FEW_STEPS, latent_dim=5).X.shape == (300, 5)
    assert scdml_iterative.integrate(make_dataset("lognorm"), **FEW_STEPS).X.shape == (300, 16)


# ---- self-training


def test_flatness_is_0_for_a_ball_and_the_number_of_dimensions_less_1_for_a_line():
    torch.manual_seed(0)
    cluster = torch.arange(4000) % 2
    ball = torch.randn(4000, 5) + 100 * cluster[:, None]
    assert flatness(ball, cluster, 2).item() == pytest.approx(0, abs=0.01)
    assert flatness(ball * torch.tensor([1, 1, 0, 0, 0]), cluster, 2).item() == pytest.approx(5 / 2 - 1, abs=0.01)
    assert flatness(ball * torch.tensor([1, 0, 0, 0, 0]), cluster, 2).item() == pytest.approx(4)
    assert flatness(3 * ball, cluster, 2).item() == pytest.approx(flatness(ball, cluster, 2).item(), rel=1e-3)
    assert torch.isfinite(flatness(torch.zeros(3, 5), torch.tensor([0, 2, 2]), 3))


def test_the_distance_of_batches_knows_neither_scale_nor_how_far_clusters_are_apart():
    torch.manual_seed(0)
    cluster, batch = torch.arange(200) % 2, (torch.arange(200) // 2) % 2
    X = torch.randn(200, 3) + batch[:, None]
    near, far = (distance_of_batches(X + gap * cluster[:, None], batch, cluster) for gap in (20, 2000))
    assert near.item() == pytest.approx(far.item(), rel=1e-3)
    assert distance_of_batches(7 * X, batch, cluster).item() == pytest.approx(near.item(), rel=1e-3)
    assert distance_of_batches(X - batch[:, None], batch, cluster) < 0.1 * near
    alone = torch.arange(4)
    assert distance_of_batches(X[:4], batch[:4], alone) == 0


@pytest.mark.parametrize("term", ["mmd", "flatness"])
def test_each_term_of_self_training_can_be_minimised(term):
    torch.manual_seed(0)
    batch, cluster = torch.arange(60) % 2, torch.arange(60) // 30
    X = (torch.randn(60, 4) * torch.tensor([3.0, 1, 1, 1]) + batch[:, None]).requires_grad_()
    terms = {
        "mmd": lambda: distance_of_batches(X, batch, cluster),
        "flatness": lambda: flatness(X, cluster, 2),
    }
    before, optimiser = terms[term]().item(), torch.optim.Adam([X], lr=0.05)
    for _ in range(50):
        optimiser.zero_grad()
        terms[term]().backward()
        optimiser.step()
    assert before > 0.05
    assert terms[term]().item() < 0.2 * before


def history_of(n_triplets):
    return pd.DataFrame([(0, "triplets", 9.0), (1, "triplets", float(n_triplets))], columns=HISTORY_COLUMNS)


def moved(n_cells):
    """Three clusters of 20 cells, the first `n_cells` of each given to the next one."""
    return (np.repeat([0, 1, 2], 20) + (np.tile(np.arange(20), 3) < n_cells)) % 3


def train_on(proposals, n_triplets, rounds=5):
    """Self-train with stand-ins: the clusters proposed in each round, the triplets mined in each training."""
    fitted = []

    def fit(cluster, number, state):
        fitted.append((number, state))
        return Trained(np.full((60, 1), number), history_of(n_triplets[number]), {"of": number})

    waiting = iter(proposals)
    result = self_train(moved(0), fit=fit, recluster=lambda X: next(waiting), rounds=rounds)
    return (*result, fitted)


OTHER, THIRD = moved(1), moved(2)


def test_self_training_ends_when_the_clusters_are_stable():
    cluster, trained, history, table, fitted = train_on([OTHER, OTHER], [5, 4])
    assert cluster.tolist() == OTHER.tolist()
    assert trained.state == {"of": 1}
    assert fitted == [(0, None), (1, {"of": 0})], "a round starts from the weights of the last one"
    assert table.columns.tolist() == ROUND_COLUMNS
    assert table["round"].tolist() == [0, 1, 2]
    assert table["epoch"].tolist() == [0, 2, 4]
    assert np.isnan(table["ari_to_last_round"].iloc[0]), "there is no round before the first"
    assert table["ari_to_last_round"].iloc[2] == 1
    assert table["clusters"].tolist() == [3, 3, 3]
    assert table["accepted"].tolist() == [True, True, True]
    assert history["epoch"].tolist() == [0, 1, 2, 3], "a stable round is not trained again"
    assert set(history["term"]) == {"triplets"}, "losses only"


def test_a_round_that_mines_more_triplets_is_undone():
    cluster, trained, history, table, _ = train_on([OTHER, THIRD], [5, 4, 6])
    assert cluster.tolist() == OTHER.tolist()
    assert trained.state == {"of": 1}
    assert table["accepted"].tolist() == [True, True, False]
    assert history["epoch"].tolist() == [0, 1, 2, 3, 4, 5], "what was undone stays in the history"
    assert history.loc[history["epoch"] % 2 == 1, "value"].tolist() == [5, 4, 6]


@pytest.mark.parametrize("proposed", [np.minimum(moved(0), 1), moved(5)], ids=["collapsed", "unlike the last ones"])
def test_a_round_whose_clusters_are_no_correction_is_undone_without_training(proposed):
    cluster, _, history, table, fitted = train_on([proposed], [5])
    assert cluster.tolist() == moved(0).tolist()
    assert len(fitted) == 1
    assert table["accepted"].tolist() == [True, False]
    assert table["clusters"].tolist() == [3, proposed.max() + 1]
    assert history["epoch"].tolist() == [0, 1]


def test_self_training_ends_after_the_rounds_it_may_take():
    _, trained, _, table, fitted = train_on([OTHER, THIRD, OTHER], [5, 4, 3, 2], rounds=2)
    assert len(fitted) == 3
    assert trained.state == {"of": 2}
    assert table["round"].tolist() == [0, 1, 2]


def test_a_round_goes_on_from_the_weights_it_is_given_and_leaves_these_as_they_were(monkeypatch):
    data, seen = make_dataset("lognorm"), []
    cluster = np.unique(data.labels, return_inverse=True)[1]
    options = SelfTrainingParameters(latent_dim=4, epochs=3, round_epochs=2, learning_rate=0.008)
    trainer = RoundTrainer(data, BatchScaling.of(data.X, data.batch), options, seed=0, device="cpu")
    cells = Cells("cpu", {"x": data.X, "batch": data.batch})
    first = trainer.fit(cluster, 0, None)
    second = trainer.fit(cluster, 1, first.state)
    assert not np.array_equal(first.X, second.X)
    for trained in (first, second):
        assert np.array_equal(apply(load(trained.state, MixingNetwork).embed, cells), trained.X)
    assert [trained.history["epoch"].max() + 1 for trained in (first, second)] == [3, 2]
    assert np.array_equal(trainer.fit(cluster, 1, first.state).X, second.X), "whatever was trained in between"
    monkeypatch.setattr(rounds, "fit", lambda data, make, options, **_: seen.append(options) or first_embedding)
    first_embedding = Embedding(X=first.X, history=first.history, model=first.state)
    for number in range(3):
        trainer.fit(cluster, number, first.state)
    assert [options.learning_rate for options in seen] == [0.008, 0.004, 0.002]
    assert [options.epochs for options in seen] == [3, 2, 2]


def test_the_rounds_are_a_table_of_their_own_and_the_history_holds_losses_only():
    result = scdml_iterative.integrate(make_dataset("lognorm"), **FEW_STEPS, round_epochs=1, rounds=2)
    assert set(result.history["term"]) == {"triplet_loss", "mmd", "flatness", "triplets"}
    assert not result.history.duplicated(["epoch", "term"]).any()
    table = result.tables["rounds"]
    assert table.columns.tolist() == ROUND_COLUMNS
    assert table["round"].tolist() == list(range(len(table)))
    assert 1 < len(table) <= 3
    epochs = result.history["epoch"].max() + 1
    assert table["epoch"].iloc[:2].tolist() == [0, 2], "the second round begins when the first ends"
    assert (table["epoch"] <= epochs).all()
    last = table.loc[table["accepted"], "clusters"].iloc[-1]
    assert last == result.cluster.max() + 1
