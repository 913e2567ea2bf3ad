"""Several levels of cell types are scored from one neighbour search; the first is the one that totals use."""

import numpy as np
import pandas as pd
import pytest
from conftest import Prepared

from scbench.metrics import scored as scored_module
from scbench.metrics.catalogue import METRICS
from scbench.metrics.suite import score_run
from scbench.ranking.levels import summarise_levels
from scbench.ranking.summary import summarise
from scbench.score_files import read_levels, write_levels

PRESET = {
    "bio": ["nmi_leiden_best", "silhouette_cell_type", "clisi"],
    "batch": ["ilisi", "kbet", "pcr_comparison"],
    "extra": ["nmi_leiden_r1"],
}
WEIGHTS = {"bio": 0.6, "batch": 0.4}


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    coarse, half, batch = (random.integers(0, n, 240) for n in (3, 2, 2))
    X = random.standard_normal((240, 6)) + 8 * np.eye(6)[coarse] + 3 * half[:, None] * np.eye(6)[5]
    pca = X + 2 * batch[:, None]
    coarse, fine = np.char.add("t", coarse.astype(str)), np.char.add(coarse.astype(str), half.astype(str))
    truth = pd.DataFrame({"batch": batch.astype(str), "cell_type": coarse, "label:coarse": coarse, "label:fine": fine})
    return X.astype(np.float32), Prepared(pca.astype(np.float32)), truth


def scored(data, truth=None, method="m"):
    X, adata, whole = data
    run = {"dataset": "d", "method": method, "seed": 0, "metrics": PRESET}
    return score_run(X, None, adata, whole if truth is None else truth, **run)


@pytest.fixture(scope="module")
def tables(data):
    return scored(data)


def test_every_level_has_the_scores_that_it_would_have_alone(tables, data):
    for level in ("coarse", "fine"):
        alone = data[2][["batch"]].assign(cell_type=data[2][f"label:{level}"])
        expected = scored(data, alone)["scores"]
        found = tables["levels"].query("labels == @level").drop(columns="labels").reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected)
    one, other = (
        tables["levels"].query("labels == @level").set_index("metric")["value"] for level in ("coarse", "fine")
    )
    for metric, entry in METRICS.items():
        if metric in one.index:
            assert (one[metric] != other[metric]) == ("labels" in entry.needs), metric


def test_the_scores_are_those_of_the_first_level(tables, data):
    coarse = scored(data, data[2][["batch", "cell_type"]])
    pd.testing.assert_frame_equal(tables["scores"], coarse["scores"])
    pd.testing.assert_frame_equal(tables["by_type"], coarse["by_type"])
    assert not len(coarse["levels"])


def test_neighbours_are_searched_once(data, monkeypatch):
    searches = []
    search = scored_module.nearest_of_each_cell
    monkeypatch.setattr(scored_module, "nearest_of_each_cell", lambda X, k: searches.append(len(X)) or search(X, k))
    scored(data)
    assert searches == [240]


def test_levels_are_written_read_and_summarised_with_their_own_totals(tables, data, tmp_path):
    write_levels(tmp_path / "levels.tsv", tables["levels"])
    back = read_levels(tmp_path / "levels.tsv")
    pd.testing.assert_frame_equal(back, tables["levels"], check_dtype=False)
    found = summarise_levels(back, {"m": "method"}, WEIGHTS, "controls")
    assert list(found.columns[:4]) == ["dataset", "method", "labels", "group"]
    primary = summarise(tables["scores"], {"m": "method"}, WEIGHTS)
    total = "group == 'total' and metric == 'total'"
    values = found.query(total).set_index("labels")["mean"]
    assert values["coarse"] == pytest.approx(primary.query(total)["mean"].iloc[0])
    assert values["fine"] < values["coarse"], "the halves of the types are hardly apart"
    none = summarise_levels(back[:0], {"m": "method"}, WEIGHTS, "controls")
    assert list(none.columns) == list(found.columns)


def test_a_null_split_gives_no_total(data):
    X, adata, truth = data
    adata = Prepared(adata.obsm["X_pca"])
    adata.uns = {"null_split": True}
    metrics = PRESET | {"extra": ["neighbours_kept"]}
    tables = score_run(X, None, adata, truth, dataset="d", method="m", seed=0, metrics=metrics)
    assert set(tables["scores"]["group"]) == {"extra"}
    assert tables["scores"].set_index("metric").loc["neighbours_kept", "status"] == "ok"
    summary = summarise(tables["scores"], {"m": "method"}, WEIGHTS)
    assert summary.query("group == 'total'")["mean"].isna().all()
