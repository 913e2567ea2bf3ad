"""How sure the ranking is, on totals whose answers are known or computed by scipy and by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scbench.files import SCORE_COLUMNS, read_table, write_table
from scbench.ranking.summary import summarise
from scbench.ranking.uncertainty import (
    OVERALL_COLUMNS,
    RANKING_TEXT,
    SENSITIVITY_COLUMNS,
    TEST_COLUMNS,
    bootstrap_ranking,
    dataset_totals,
    rank_tests,
    sensitivity,
)
from scbench.report.figures import save
from scbench.report.ranking import draw_ranking, write_ranking

WEIGHTS = {"bio": 0.6, "batch": 0.4}
KINDS = {"a": "method", "b": "method", "c": "baseline", "low": "control"}
LABELS = {"a": "Method_A", "b": "Method | B", "c": "Baseline", "low": "Low"}


def make_scores(totals: dict[str, list[float]], odd: dict | None = None) -> pd.DataFrame:
    """{method: its nmi, ari and ilisi on each data set}; `odd` {(method, metric, data set): value} replaces some."""
    rows = []
    for method, values in totals.items():
        for i, value in enumerate(values):
            for metric, group in (("nmi", "bio"), ("ari", "bio"), ("ilisi", "batch")):
                found = (odd or {}).get((method, metric, i), value)
                rows.append((f"d{i}", method, 0, metric, group, found, "ok", "", "made up"))
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


@pytest.fixture
def five() -> pd.DataFrame:
    values = {"a": [0.9, 0.8, 0.7, 0.9, 0.6], "b": [0.5, 0.6, 0.65, 0.4, 0.7], "c": [0.1, 0.2, 0.1, 0.3, 0.2]}
    return make_scores(values | {"low": [1.0, 1.0, 1.0, 1.0, 1.0]})


def totals_of(scores: pd.DataFrame) -> pd.DataFrame:
    return dataset_totals(summarise(scores, KINDS, WEIGHTS), KINDS)


def test_totals_are_of_methods_that_have_all_of_them(five):
    assert totals_of(five).to_numpy() == pytest.approx(
        np.array([[0.9, 0.8, 0.7, 0.9, 0.6], [0.5, 0.6, 0.65, 0.4, 0.7], [0.1, 0.2, 0.1, 0.3, 0.2]])
    )
    gap = five.eval("method == 'b' and dataset == 'd1' and metric == 'ari'")
    assert list(totals_of(five[~gap]).index) == ["a", "c"]


def test_the_bootstrap_is_that_of_scipy(five):
    totals = totals_of(five)
    found = bootstrap_ranking(totals)
    assert list(found.columns) == OVERALL_COLUMNS
    assert found["method"].tolist() == ["a", "b", "c"]
    assert found["rank"].tolist() == [1, 2, 3]
    for row in found.itertuples():
        sample = (totals.loc[row.method].to_numpy(),)
        interval = stats.bootstrap(sample, np.mean, method="percentile", random_state=0).confidence_interval
        assert [row.ci_low, row.ci_high] == pytest.approx(list(interval), abs=0.01)
    assert found["share_best"].sum() == pytest.approx(1, abs=0.02)
    assert found["share_best"][0] > 0.9
    assert found[["rank_low", "rank_high"]].iloc[2].tolist() == [3, 3], "c is the last on every data set"
    pd.testing.assert_frame_equal(found, bootstrap_ranking(totals))


def test_friedman_is_scipys_and_nemenyi_follows_from_the_mean_ranks(five):
    totals = totals_of(five)
    found = rank_tests(totals)
    assert list(found.columns) == TEST_COLUMNS
    expected = stats.friedmanchisquare(*totals.to_numpy())
    friedman = found[found["test"] == "friedman"].iloc[0]
    assert [friedman["statistic"], friedman["p_value"]] == pytest.approx(list(expected))
    ranks = found[found["test"] == "mean_rank"].set_index("method")["mean_rank"]
    assert ranks.to_dict() == pytest.approx({"a": 1.2, "b": 1.8, "c": 3.0})
    pairs = found[found["test"] == "nemenyi"].set_index(["method", "other"])["p_value"]
    q = (3.0 - 1.2) / np.sqrt(3 * 4 / (6 * 5)) * np.sqrt(2)
    assert pairs["a", "c"] == pytest.approx(stats.studentized_range.sf(q, 3, np.inf), rel=1e-3)
    assert len(pairs) == 3


def test_too_few_datasets_or_methods_are_not_applicable_with_a_reason(five):
    two = five[five["dataset"].isin(["d0", "d1"])]
    overall, tests = bootstrap_ranking(totals_of(two)), rank_tests(totals_of(two))
    assert overall["total"].notna().all()
    assert overall[["ci_low", "rank_low", "share_best"]].isna().all(axis=None)
    assert set(overall["status"]) == set(tests["status"]) == {"not_applicable"}
    assert set(overall["reason"]) == {"2 datasets with totals of all methods; 3 are needed"}
    pair = five[five["method"].isin(["a", "b"])]
    assert rank_tests(totals_of(pair))["reason"].tolist() == ["2 methods with totals of all methods; 3 are needed"]
    assert set(bootstrap_ranking(totals_of(pair))["status"]) == {"ok"}
    empty = totals_of(five.iloc[:0])
    assert bootstrap_ranking(empty).empty
    assert rank_tests(empty)["status"].tolist() == ["not_applicable"]
    assert sensitivity(five.iloc[:0], KINDS, WEIGHTS).empty


def test_sensitivity_names_the_metric_and_the_dataset_that_decide():
    scores = make_scores(
        {"a": [0.6, 0.6, 0.6], "b": [0.5, 0.5, 0.5], "c": [0.1, 0.1, 0.1]}, {("b", "ari", 0): 0.9, ("b", "nmi", 0): 0.6}
    )
    found = sensitivity(scores, KINDS, WEIGHTS).set_index("left_out")
    assert list(found.reset_index()[SENSITIVITY_COLUMNS].columns) == SENSITIVITY_COLUMNS
    # totals of a 0.6, of b (0.65 + 0.5 + 0.5) / 3; without d1 or d2 0.575, without ilisi there is no total
    assert found.loc["ilisi", "status"] == "not_applicable"
    assert found.loc[["nmi", "ari", "d0", "d1", "d2"], "best"].tolist() == ["a"] * 5
    decided = make_scores({"a": [0.6, 0.6, 0.6], "b": [0.5, 0.5, 0.5], "c": [0.1, 0.1, 0.1]}, {("b", "ari", 0): 1.8})
    found = sensitivity(decided, KINDS, WEIGHTS).set_index("left_out")
    assert found.loc[["ari", "d0", "d1"], "best"].tolist() == ["a", "a", "b"]
    assert found.loc[["ari", "d0", "d1"], "best_changed"].tolist() == [True, True, False]
    assert found.loc[["ari", "d0", "d1"], "ranking_changed"].tolist() == [True, True, False]
    assert found.loc["ari", "kendall_tau"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("n_datasets", [0, 2, 5])
def test_table_and_figure_say_what_was_found_or_why_not(five, tmp_path, n_datasets):
    scores = five[five["dataset"].isin([f"d{i}" for i in range(n_datasets)])]
    totals = totals_of(scores)
    made = {
        "overall": bootstrap_ranking(totals),
        "tests": rank_tests(totals),
        "sensitivity": sensitivity(scores, KINDS, WEIGHTS),
    }
    for name, table in made.items():
        write_table(tmp_path / name, table)
    tables = {name: read_table(tmp_path / name, text=RANKING_TEXT) for name in made}
    files = {suffix: tmp_path / f"ranking.{suffix}" for suffix in ("tsv", "md", "tex", "svg", "png")}
    write_ranking(**tables, files=files, labels=LABELS)
    text = (tmp_path / "ranking.md").read_text()
    figure, drawn = draw_ranking(tables["overall"], tables["tests"], labels=LABELS)
    save(figure, files, drawn)
    svg = (tmp_path / "ranking.svg").read_text()
    assert svg.count("<path") > 10
    assert (tmp_path / "ranking.png").stat().st_size > 5000
    if n_datasets == 5:
        assert r"| Method \| B | 0.570 |" in text
        assert "95 % of 10,000 bootstrap samples of the 5 datasets" in text
        assert "Friedman test over 5 datasets: chi-square 8.40, p = 0.015." in text
        assert r"Method\_A" in (tmp_path / "ranking.tex").read_text()
        assert "changes the ranking in 0 of 2 cases" in text
    else:
        assert "Friedman test: not applicable" in text
    drawn = pd.read_csv(tmp_path / "ranking.tsv", sep="\t")
    assert len(drawn) == (3 if n_datasets else 0)
