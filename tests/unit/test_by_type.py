"""Scores per cell type and per batch: means over their cells, from the values behind the scores."""

import anndata
import numpy as np
import pandas as pd
import pytest
from conftest import Prepared
from sklearn.metrics import f1_score, silhouette_samples
from sklearn.neighbors import NearestNeighbors

from scbench.metrics.suite import score_cells, score_run
from scbench.ranking.by_type import summarise_by_type
from scbench.report import by_type as figure_of_types
from scbench.report.calibration import calibration_table
from scbench.score_files import read_by_type, write_by_type, write_cell_scores
from scbench.types import ContractError

METRICS = {
    "bio": ["nmi_leiden_r1", "silhouette_cell_type", "clisi"],
    "batch": ["ilisi", "cilisi", "kbet", "silhouette_batch", "bras", "graph_connectivity"],
    "extra": [],
}


@pytest.fixture(scope="module")
def run():
    """Type a is mixed, the batches of b lie apart, c and d lie upon each other, e has 4 cells of one batch."""
    random = np.random.default_rng(0)
    labels, batch = np.repeat(list("abcde"), [120, 80, 70, 60, 4]), random.choice(["x", "y"], 334)
    centres = {"a": 0, "b": 1, "c": 2, "d": 2, "e": 3}
    X = random.standard_normal((334, 6)) + 9 * np.eye(6)[[centres[label] for label in labels]]
    X[(labels == "b") & (batch == "x"), 5] += 30
    batch[-4:] = "x"
    return X.astype(np.float32), labels, batch


def scored(X, labels, batch, metrics=METRICS):
    truth = pd.DataFrame({"batch": batch, "cell_type": labels})
    return score_run(X, None, Prepared(X), truth, dataset="d", method="m", seed=0, metrics=metrics)


@pytest.fixture(scope="module")
def tables(run):
    return scored(*run)


def wide(tables, level):
    return tables["by_type"].query("level == @level").pivot(index="name", columns="metric", values="value")


def test_it_tells_the_type_that_is_under_mixed_and_those_that_are_over_mixed(tables):
    found = wide(tables, "cell_type")
    assert found.loc["a", ["cilisi", "kbet", "purity"]].min() > 0.8
    assert found.loc["a", "f1"] > found.loc[["c", "d"], "f1"].max()
    assert found.loc["b", ["cilisi", "kbet"]].max() < 0.1
    assert found.loc["b", "purity"] > 0.95
    assert found.loc[["c", "d"], ["purity", "f1"]].to_numpy().max() < 0.75
    assert found.loc[["c", "d"], "cilisi"].min() > 0.7


def test_values_are_means_over_the_cells_and_agree_with_the_scores(tables, run):
    X, labels, batch = run
    cells = tables["by_type"].drop_duplicates(["level", "name"]).set_index("name")["cells"]
    found, by_batch = wide(tables, "cell_type"), wide(tables, "batch")
    scores = tables["scores"].set_index("metric")["value"].astype(float)
    for metric in ("kbet", "silhouette_batch", "bras"):
        assert found[metric].mean() == pytest.approx(scores[metric], abs=1e-12)
    mixed = found["cilisi"].dropna()
    assert np.average(mixed, weights=cells[mixed.index]) == pytest.approx(scores["cilisi"], abs=1e-12)
    for table in (found, by_batch):
        mean = np.average(table["silhouette_cell_type"], weights=cells[table.index])
        assert mean == pytest.approx(scores["silhouette_cell_type"], abs=1e-12)
    widths = (silhouette_samples(X, labels) + 1) / 2
    assert by_batch.loc["y", "silhouette_cell_type"] == pytest.approx(widths[batch == "y"].mean(), abs=1e-4)
    assert cells.to_dict() == pd.Series([*labels, *batch]).value_counts().to_dict()


def test_purity_and_f1_are_those_of_a_loop_over_cells_and_of_scikit_learn(tables, run):
    X, labels, _ = run
    near = NearestNeighbors(n_neighbors=15).fit(X).kneighbors(X, return_distance=False)[:, 1:]
    pure = np.array([np.mean([labels[other] == labels[cell] for other in near[cell]]) for cell in range(len(X))])
    found = wide(tables, "cell_type")
    for label in "abcde":
        assert found.loc[label, "purity"] == pytest.approx(pure[labels == label].mean(), abs=1e-9)
    from scbench.metrics.by_type import best_f1

    clusters = np.where(np.isin(labels, ["c", "d"]), 1, 0)
    expected = [max(f1_score(labels == label, clusters == k) for k in (0, 1)) for label in "abcde"]
    assert best_f1(labels, clusters) == pytest.approx(expected)


def test_types_without_meaning_are_empty_and_are_written_and_read(tables, tmp_path):
    found = wide(tables, "cell_type")
    assert found.loc["e", ["cilisi", "kbet", "silhouette_batch"]].isna().all(), "4 cells of one batch"
    assert found.loc["e", ["purity", "f1"]].notna().all()
    write_by_type(tmp_path / "by_type.tsv", tables["by_type"])
    pd.testing.assert_frame_equal(read_by_type(tmp_path / "by_type.tsv"), tables["by_type"], check_dtype=False)
    with pytest.raises(ContractError, match="stands twice"):
        write_by_type(tmp_path / "twice.tsv", pd.concat([tables["by_type"]] * 2))


def test_without_cell_types_there_are_batches_only_and_only_metrics_of_the_preset(run):
    X, labels, batch = run
    bare = scored(X, np.full(len(labels), ""), batch)["by_type"]
    assert bare[["level", "metric"]].drop_duplicates().values.tolist() == [["batch", "ilisi"]]
    fast = scored(X, labels, batch, {"bio": ["clisi"], "batch": [], "extra": []})["by_type"]
    assert sorted(fast["metric"].unique()) == ["cilisi", "clisi", "f1", "purity"]


def test_the_summary_averages_over_seeds(tables):
    other = tables["by_type"].assign(seed=1, value=lambda table: table["value"] + 0.2)
    found = summarise_by_type(pd.concat([tables["by_type"], other]))
    assert list(found.columns) == ["dataset", "method", "level", "name", "metric", "mean", "sd", "n_seeds", "cells"]
    one = found.query("level == 'cell_type' and name == 'a' and metric == 'purity'").iloc[0]
    assert one["mean"] == pytest.approx(wide(tables, "cell_type").loc["a", "purity"] + 0.1)
    assert one[["sd", "n_seeds", "cells"]].tolist() == [pytest.approx(0.2 / np.sqrt(2)), 2, 120]
    assert found.query("name == 'e' and metric == 'kbet'")["n_seeds"].tolist() == [0]


def test_scores_of_cells_have_the_means_of_the_types_and_the_order_of_the_cells(tables, run, tmp_path):
    X, labels, batch = run
    order = np.random.default_rng(1).permutation(len(X))
    prepared = Prepared(X[order])
    prepared.obs_names = pd.Index([f"cell_{i}" for i in order])
    truth = pd.DataFrame({"cell_id": prepared.obs_names, "batch": batch[order], "cell_type": labels[order]})
    scores = score_cells(X[order], prepared, truth)
    means = scores.groupby(labels[order]).mean()
    found = wide(tables, "cell_type")[list(means)]
    np.testing.assert_allclose(means, found)
    write_cell_scores(tmp_path / "cells.h5ad", X[order], truth, scores)
    back = anndata.read_h5ad(tmp_path / "cells.h5ad")
    assert list(back.obs) == ["batch", "cell_type", "ilisi", "clisi", "cilisi", "purity"]
    assert np.array_equal(back.obsm["X_emb"], X[order])


def test_the_heatmaps_show_methods_by_types_with_missing_values_blank(tables):
    summary = summarise_by_type(pd.concat([tables["by_type"], tables["by_type"].assign(method="other", dataset="e")]))
    figure, drawn = figure_of_types.draw({"by_type": summary}, {"m": "Method", "other": "Other"})
    assert len(drawn) == 2 * 2 * 5
    images = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert [image.shape for image in images] == [(1, 5)] * 4
    mixing = dict(zip("abcde", wide(tables, "cell_type")["cilisi"], strict=True))
    shown = [figure.axes[0].get_xticklabels()[i].get_text() for i in range(5)]
    assert shown == ["a (120)", "b (80)", "c (70)", "d (60)", "e (4)"], "by size"
    np.testing.assert_allclose(np.asarray(images[0])[0], [mixing[name[0]] for name in shown])
    bare, drawn = figure_of_types.draw({"by_type": summary[summary["level"] == "batch"]}, {"m": "Method"})
    assert drawn.empty
    assert [text.get_text() for text in bare.texts] == ["No dataset has cell types"]


def test_the_table_of_calibration_lists_null_splits_only_best_first():
    columns = ["dataset", "method", "metric", "mean", "sd", "n_seeds"]
    rows = [
        ("null", "a", "neighbours_kept", 0.4, 0.1, 2),
        ("null", "b", "neighbours_kept", 1.0, np.nan, 1),
        ("null", "b", "ilisi", 0.9, np.nan, 1),
        ("real", "a", "neighbours_kept", np.nan, np.nan, 0),
    ]
    kinds = {"a": "method", "b": "baseline"}
    found = calibration_table(pd.DataFrame(rows, columns=columns), {"a": "A", "b": "B"}, kinds)
    assert found["method"].tolist() == ["B", "A"]
    assert found["kind"].tolist() == ["baseline", "method"]
    assert found["neighbours_kept"].tolist() == [1.0, 0.4]
