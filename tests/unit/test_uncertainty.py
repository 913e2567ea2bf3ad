"""How sure the ranking is, on totals whose answers are known or computed by scipy and by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scbench.files import SCORE_COLUMNS, read_table, write_table
from scbench.ranking.summary import rank, summarise
from scbench.ranking.uncertainty import (
    OVERALL_COLUMNS,
    RANKING_TEXT,
    SENSITIVITY_COLUMNS,
    TEST_COLUMNS,
    dataset_totals,
    mean_intervals,
    overall_table,
    rank_tests,
    ranking_tables,
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


def made_up_totals(random: np.random.Generator, means: list[float], n_datasets: int) -> pd.DataFrame:
    """Totals of methods x datasets: mean + effect of the dataset + effect of both."""
    noise = 0.05 * random.standard_normal(n_datasets) + 0.04 * random.standard_normal((len(means), n_datasets))
    return pd.DataFrame(np.array(means)[:, None] + noise, index=list("abcdefg")[: len(means)])


def test_the_interval_of_the_mean_is_the_t_interval_of_scipy(five):
    totals = totals_of(five)
    found = mean_intervals(totals).set_index("method")
    for method, values in totals.iterrows():
        interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert found.loc[method, "ci_low"] == pytest.approx(interval.low)
        assert found.loc[method, "ci_high"] == pytest.approx(min(interval.high, 1.0))
    assert found["rank"].to_dict() == {"a": 1, "b": 2, "c": 3}
    assert found["share_best"].sum() == pytest.approx(1, abs=0.02)
    paired = stats.ttest_rel(totals.loc["a"], totals.loc["b"], alternative="greater").pvalue
    assert found.loc["a", "share_best"] == pytest.approx(1 - paired, abs=0.02), "c is never the best"
    pd.testing.assert_frame_equal(mean_intervals(totals), mean_intervals(totals))


@pytest.mark.parametrize("n_datasets", [3, 8])
def test_intervals_hold_the_true_mean_as_often_as_they_say_and_the_true_rank_at_least_so(n_datasets):
    random, means = np.random.default_rng(0), [0.84, 0.8, 0.79, 0.7, 0.6]
    tables = [mean_intervals(made_up_totals(random, means, n_datasets)) for _ in range(300)]
    held = [(table["ci_low"] <= means) & (means <= table["ci_high"]) for table in tables]
    assert 0.93 <= np.mean(held) <= 0.97
    ranks = [(table["rank_low"] <= range(1, 6)) & (range(1, 6) <= table["rank_high"]) for table in tables]
    assert np.mean(ranks) >= 0.95


def test_the_interval_of_the_rank_counts_methods_that_paired_t_tests_with_holms_correction_tell_apart():
    from statsmodels.stats.multitest import multipletests

    totals = made_up_totals(np.random.default_rng(1), [0.9, 0.85, 0.8, 0.75, 0.7, 0.6], 6)
    found = mean_intervals(totals).set_index("method")
    assert found["rank_low"].nunique() > 2
    for method in totals.index:
        others = totals.drop(method)
        tests = [stats.ttest_rel(totals.loc[method], values) for values in others.to_numpy()]
        differs = multipletests([test.pvalue / 2 for test in tests], alpha=0.05, method="holm")[0]
        worse = [test.statistic < 0 for test in tests]
        assert found.loc[method, "rank_low"] == 1 + np.sum(differs & worse)
        assert found.loc[method, "rank_high"] == 6 - np.sum(differs & ~np.array(worse))


def test_totals_that_differ_in_the_last_bits_are_tied():
    totals = pd.DataFrame({f"d{i}": [0.1 + 0.2, 0.3, 0.2] for i in range(3)}, index=["a", "b", "c"])
    assert (0.1 + 0.2) != 0.3
    assert mean_intervals(totals)["rank"].tolist() == [1, 1, 3]
    assert mean_intervals(totals)[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 2], [3, 3]]
    ranks = rank_tests(totals).query("test == 'mean_rank'").set_index("method")["mean_rank"]
    assert ranks.to_dict() == {"a": 1.5, "b": 1.5, "c": 3.0}
    scores = make_scores({"a": [0.1 + 0.2] * 3, "b": [0.3] * 3, "c": [0.2] * 3})
    assert rank(summarise(scores, KINDS, WEIGHTS), KINDS)["rank"].tolist() == [1, 1, 3, pd.NA]
    found = sensitivity(scores, KINDS, WEIGHTS).query("status == 'ok'")
    assert set(found["best"]) == {"a, b"}
    assert not found["best_changed"].any()


def test_methods_that_are_all_equal_give_a_reason_and_no_statistic():
    scores = make_scores({method: [0.3, 0.4, 0.5] for method in "abc"})
    tests = rank_tests(totals_of(scores))
    assert tests["status"].tolist() == ["not_applicable"]
    assert tests["reason"].tolist() == ["all methods have the same total on every dataset"]
    found = sensitivity(scores, KINDS, WEIGHTS)
    assert set(found.query("left_out != 'ilisi'")["reason"]) == {"all methods have the same overall total"}
    assert found["kendall_tau"].isna().all()


def test_a_method_that_lost_seeds_is_ranked_with_a_note(five, tmp_path):
    lost = five.assign(seed=1, value=np.nan, status="failed", reason="boom").query("method == 'b' and dataset == 'd2'")
    runs = [(dataset, method, 0) for dataset, method in five[["dataset", "method"]].drop_duplicates().to_numpy()]
    runs += [("d2", "b", 1), ("d0", "c", 2)]  # the first one failed, the second one left no row
    tables = ranking_tables(pd.concat([five, lost]), KINDS, WEIGHTS, "controls", runs=runs)
    overall = tables["overall"].set_index("method")
    assert overall[["rank", "n_seeds", "n_planned"]].to_numpy().tolist() == [[1, 5, 5], [2, 5, 6], [3, 5, 6]]
    assert overall["note"].to_dict() == {"a": "", "b": "1 of 2 seeds on d2", "c": "1 of 2 seeds on d0"}
    files = {suffix: tmp_path / f"ranking.{suffix}" for suffix in ("tsv", "md", "tex")}
    write_ranking(*(tables[name] for name in ("overall", "rank_tests", "sensitivity")), files, labels=LABELS)
    assert (
        r"Totals of fewer seeds than planned: Method | B (1 of 2 seeds on d2)" in (tmp_path / "ranking.md").read_text()
    )


def test_friedman_compares_with_all_permutations_and_nemenyi_with_their_range(five):
    totals = totals_of(five)
    found = rank_tests(totals)
    assert list(found.columns) == TEST_COLUMNS
    friedman = found[found["test"] == "friedman"].iloc[0]
    assert friedman["statistic"] == pytest.approx(stats.friedmanchisquare(*totals.to_numpy()).statistic)
    orders = list(itertools.permutations([1, 2, 3]))
    sums = np.array([np.sum(chosen, axis=0) for chosen in itertools.product(orders, repeat=5)])
    exact = (np.square(sums).sum(axis=1) >= 6**2 + 9**2 + 15**2).mean()
    assert friedman["p_value"] == pytest.approx(exact, abs=0.005)
    ranks = found[found["test"] == "mean_rank"].set_index("method")["mean_rank"]
    assert ranks.to_dict() == pytest.approx({"a": 1.2, "b": 1.8, "c": 3.0})
    pairs = found[found["test"] == "nemenyi"].set_index(["method", "other"])["p_value"]
    assert pairs["a", "c"] == pytest.approx((np.ptp(sums, axis=1) >= 9).mean(), abs=0.005)
    assert len(pairs) == 3


def test_with_many_datasets_the_tests_are_those_of_scipy_and_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    totals = made_up_totals(np.random.default_rng(2), [0.8, 0.8, 0.79, 0.785], 40)
    found = rank_tests(totals)
    expected = stats.friedmanchisquare(*totals.to_numpy()).pvalue
    assert 0.001 < expected < 0.5
    assert found.query("test == 'friedman'")["p_value"].item() == pytest.approx(expected, abs=0.015)
    pairs = posthocs.posthoc_nemenyi_friedman(totals.to_numpy().T)
    for row in found.query("test == 'nemenyi'").itertuples():
        first, second = totals.index.get_loc(row.method), totals.index.get_loc(row.other)
        assert row.p_value == pytest.approx(pairs.iloc[first, second], abs=0.03)


def test_too_few_datasets_or_methods_are_not_applicable_with_a_reason(five):
    two = five[five["dataset"].isin(["d0", "d1"])]
    overall, tests = mean_intervals(totals_of(two)), rank_tests(totals_of(two))
    assert overall["total"].notna().all()
    assert overall[["ci_low", "rank_low", "share_best"]].isna().all(axis=None)
    assert set(overall["status"]) == set(tests["status"]) == {"not_applicable"}
    assert set(overall["reason"]) == {"2 datasets with totals of all methods; 3 are needed"}
    pair = five[five["method"].isin(["a", "b"])]
    assert rank_tests(totals_of(pair))["reason"].tolist() == ["2 methods with totals of all methods; 3 are needed"]
    assert set(mean_intervals(totals_of(pair))["status"]) == {"ok"}
    empty = five.iloc[:0]
    assert list(overall_table(summarise(empty, KINDS, WEIGHTS), KINDS).columns) == OVERALL_COLUMNS
    assert mean_intervals(totals_of(empty)).empty
    assert rank_tests(totals_of(empty))["status"].tolist() == ["not_applicable"]
    assert sensitivity(empty, KINDS, WEIGHTS).empty


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
    tables = ranking_tables(scores, KINDS, WEIGHTS, "controls")
    made = {"overall": tables["overall"], "tests": tables["rank_tests"], "sensitivity": tables["sensitivity"]}
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
        assert "95 % t intervals over the 5 datasets" in text
        assert "Friedman test over 5 datasets: chi-square 8.40, p = 0.00" in text
        assert r"Method\_A" in (tmp_path / "ranking.tex").read_text()
        assert "changes the ranking in 0 of 2 cases" in text
    else:
        assert "Friedman test: not applicable" in text
    drawn = pd.read_csv(tmp_path / "ranking.tsv", sep="\t")
    assert len(drawn) == (3 if n_datasets else 0)
