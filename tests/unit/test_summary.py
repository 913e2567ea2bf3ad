"""Means, intervals, scaling, totals and the ranking, on scores whose answers are worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from scbench.files import SCORE_COLUMNS
from scbench.metrics.catalogue import METRICS
from scbench.metrics.metric import Metric
from scbench.ranking.summary import RANKING_COLUMNS, SUMMARY_COLUMNS, rank, summarise

WEIGHTS = {"bio": 0.6, "batch": 0.4}
KINDS = {"a": "method", "b": "reference", "low": "control", "high": "control"}
GROUP = {"nmi": "bio", "ari": "bio", "ilisi": "batch", "kbet": "extra"}


def make_scores(values: dict, dataset: str = "one") -> pd.DataFrame:
    """{(method, seed): {metric: value; None is not applicable}} -> long table."""
    rows = []
    for (method, seed), metrics in values.items():
        for metric, value in metrics.items():
            state = ("not_applicable", "no labels") if value is None else ("ok", "")
            rows.append(
                (dataset, method, seed, metric, GROUP[metric], np.nan if value is None else value, *state, "made up")
            )
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def row(summary: pd.DataFrame, method: str, metric: str, dataset: str = "one") -> pd.Series:
    chosen = summary.query("dataset == @dataset and method == @method and metric == @metric")
    assert len(chosen) == 1
    return chosen.iloc[0]


@pytest.fixture
def complete() -> pd.DataFrame:
    return make_scores(
        {
            ("a", 0): {"nmi": 0.4, "ari": 0.6, "ilisi": 0.5, "kbet": 0.1},
            ("a", 1): {"nmi": 0.6, "ari": 0.8, "ilisi": 0.7, "kbet": 0.1},
            ("a", 2): {"nmi": 0.8, "ari": 1.0, "ilisi": 0.9, "kbet": 0.1},
            ("b", 0): {"nmi": 0.5, "ari": 0.5, "ilisi": 0.2, "kbet": 0.3},
            ("low", 0): {"nmi": 0.0, "ari": 0.2, "ilisi": 1.0, "kbet": 0.5},
            ("high", 0): {"nmi": 1.0, "ari": 0.7, "ilisi": 0.6, "kbet": 0.5},
        }
    )


def test_mean_sd_and_t_interval_over_seeds(complete):
    nmi = row(summarise(complete, KINDS, WEIGHTS), "a", "nmi")
    half = 4.302653 * 0.2 / np.sqrt(3)  # t quantile of 2 degrees of freedom
    expected = [0.6, 0.2, 0.6 - half, 0.6 + half, 3]
    assert nmi[["mean", "sd", "ci_low", "ci_high", "n_seeds"]].tolist() == pytest.approx(expected, abs=1e-6)


def test_one_seed_has_no_spread(complete):
    summary = summarise(complete, KINDS, WEIGHTS)
    for metric in ("nmi", "total"):
        one = row(summary, "b", metric)
        assert one["n_seeds"] == 1
        assert one[["sd", "ci_low", "ci_high"]].isna().all()


def test_totals_are_made_per_seed_then_summarised(complete):
    summary = summarise(complete, KINDS, WEIGHTS)
    # bio 0.5 0.7 0.9, batch 0.5 0.7 0.9, so total 0.5 0.7 0.9; the extra metric does not count
    for metric in ("bio", "batch", "total"):
        one = row(summary, "a", metric)
        assert one["group"] == "total"
        assert [one["mean"], one["sd"], one["n_seeds"]] == pytest.approx([0.7, 0.2, 3])
    assert row(summary, "b", "total")["mean"] == pytest.approx(0.6 * 0.5 + 0.4 * 0.2)


def test_scaling_puts_the_worst_control_at_0_and_the_best_at_1(complete):
    summary = summarise(complete, KINDS, WEIGHTS)
    assert row(summary, "low", "nmi")["scaled_mean"] == 0
    assert row(summary, "high", "nmi")["scaled_mean"] == 1
    assert row(summary, "low", "ilisi")["scaled_mean"] == 1
    assert row(summary, "b", "ari")["scaled_mean"] == pytest.approx(0.6)
    assert row(summary, "b", "ilisi")["scaled_mean"] == pytest.approx(-1)
    assert row(summary, "b", "ilisi")["mean"] == 0.2
    assert row(summary, "b", "total")["scaled_mean"] == pytest.approx(0.6 * (0.5 + 0.6) / 2 + 0.4 * -1)
    assert row(summary, "a", "total")["scaled_mean"] == pytest.approx(0.6 * (0.6 + 1.2) / 2 + 0.4 * 0.25)


def test_no_scaling_without_two_controls_that_differ(complete):
    summary = summarise(complete, KINDS, WEIGHTS)
    assert summary.query("metric == 'kbet'")["scaled_mean"].isna().all()
    one_control = summarise(complete[complete["method"] != "low"], KINDS, WEIGHTS)
    assert one_control["scaled_mean"].isna().all()
    assert row(one_control, "a", "total")["mean"] == pytest.approx(0.7)


def test_controls_that_are_close_give_no_scale_but_a_reason(complete):
    low, high = (complete.eval(f"method == '{name}' and metric == 'nmi'") for name in ("low", "high"))
    complete.loc[low, "value"], complete.loc[high, "value"] = 0.700, 0.701
    summary = summarise(complete, KINDS, WEIGHTS)
    nmi = row(summary, "b", "nmi")
    assert np.isnan(nmi["scaled_mean"])
    assert nmi["scaled_reason"] == "the controls are 0.001 apart; 0.05 is the least"
    assert nmi["mean"] == 0.5
    total = row(summary, "b", "total")
    assert total["scaled_mean"] == pytest.approx(0.6 * 0.6 + 0.4 * -1), "of the metrics that have a scale"
    assert total["scaled_reason"] == "without nmi"
    assert row(summary, "b", "ari")["scaled_reason"] == ""
    complete.loc[high, "value"] = 0.750
    assert row(summarise(complete, KINDS, WEIGHTS), "b", "nmi")["scaled_mean"] == pytest.approx(-4)
    complete.loc[complete["metric"] == "nmi", "value"] = [0.1000, 0.1002, 0.1004, 0.1001, 0.1, 0.1]
    close = summarise(complete, KINDS, WEIGHTS, "min_max")
    assert row(close, "a", "nmi")["scaled_mean"] == pytest.approx(1), "the range of the methods needs no floor"


def test_the_lowest_control_is_the_best_of_a_metric_where_lower_is_better(complete, monkeypatch):
    falling = Metric(id="kbet", label="falling", group="extra", function="made:up", direction="lower")
    monkeypatch.setitem(METRICS, "kbet", falling)
    complete.loc[complete.eval("method == 'low' and metric == 'kbet'"), "value"] = 0.1
    summary = summarise(complete, KINDS, WEIGHTS)  # low 0.1, high 0.5
    assert [row(summary, name, "kbet")["scaled_mean"] for name in ("low", "high", "b")] == pytest.approx([1, 0, 0.5])
    worst_to_best = [row(summarise(complete, KINDS, WEIGHTS, "min_max"), name, "kbet")["scaled_mean"] for name in "ba"]
    assert worst_to_best == pytest.approx([0, 1])


def test_min_max_scaling_is_over_the_methods_and_says_so(complete):
    summary = summarise(complete, KINDS, WEIGHTS, "min_max")
    assert set(summary["scaling"]) == {"min_max"}
    assert [row(summary, method, "nmi")["scaled_mean"] for method in ("a", "b")] == pytest.approx([1, 0])
    assert row(summary, "high", "nmi")["scaled_mean"] == pytest.approx(5)
    assert set(summarise(complete, KINDS, WEIGHTS)["scaling"]) == {"controls"}


def test_there_are_totals_without_silhouettes_and_with_equal_weights(complete):
    round_ = complete[complete["metric"] == "nmi"].assign(metric="silhouette_cell_type", value=0.0)
    summary = summarise(pd.concat([complete, round_]), KINDS, WEIGHTS)
    assert row(summary, "b", "total")["mean"] == pytest.approx(0.6 * 1 / 3 + 0.4 * 0.2)
    assert row(summary, "b", "no_silhouette_total")["mean"] == pytest.approx(0.6 * 0.5 + 0.4 * 0.2)
    assert row(summary, "b", "equal_total")["mean"] == pytest.approx(0.5 * 1 / 3 + 0.5 * 0.2)


def test_the_robust_total_is_of_its_own_metrics_in_whatever_group_they_were_scored(complete):
    robust = {"bio": ["nmi", "absent"], "batch": ["kbet"]}
    summary = summarise(complete, KINDS, WEIGHTS, robust=robust)
    assert row(summary, "b", "total_robust")["mean"] == pytest.approx(0.6 * 0.5 + 0.4 * 0.3)
    assert row(summary, "b", "total")["mean"] == pytest.approx(0.6 * 0.5 + 0.4 * 0.2)
    ranking = rank(summary, KINDS).set_index("method")
    assert ranking.loc[["a", "b"], "rank"].tolist() == [1, 2]
    assert ranking.loc[["a", "b"], "total_robust"].tolist() == pytest.approx([0.6 * 0.6 + 0.4 * 0.1, 0.42])
    assert ranking.loc[["a", "b"], "rank_robust"].tolist() == [2, 1]
    assert ranking.loc[["low", "high"], "rank_robust"].isna().all()
    complete.loc[complete.eval("method == 'b' and metric == 'kbet'"), ["value", "status", "reason"]] = [
        [np.nan, "failed", "boom"]
    ]
    summary = summarise(complete, KINDS, WEIGHTS, robust=robust)
    assert row(summary, "b", "total_robust")[["status", "reason"]].tolist() == ["failed", "failed: kbet"]
    assert row(summary, "b", "total")["status"] == "ok"
    without = summarise(complete, KINDS, WEIGHTS).query("metric == 'total_robust'")
    assert without["mean"].isna().all()


def test_the_summary_tells_what_failed_from_what_does_not_apply(complete):
    broken = complete.eval("method == 'a' and seed == 2 and metric == 'ari'")
    complete.loc[broken, ["value", "status", "reason"]] = [[np.nan, "failed", "boom"]]
    ilisi = complete["metric"] == "ilisi"
    complete.loc[ilisi, ["value", "status", "reason"]] = [[np.nan, "not_applicable", "one batch"]] * ilisi.sum()
    summary = summarise(complete, KINDS, WEIGHTS)
    assert row(summary, "a", "ari")[["status", "reason", "n_seeds"]].tolist() == ["failed", "boom", 2]
    assert row(summary, "b", "ari")[["status", "reason"]].tolist() == ["ok", ""]
    assert row(summary, "b", "ilisi")[["status", "reason"]].tolist() == ["not_applicable", "one batch"]
    assert row(summary, "a", "bio")[["status", "reason"]].tolist() == ["failed", "failed: ari"]
    assert row(summary, "b", "total")[["status", "reason"]].tolist() == ["not_applicable", "a part is missing"]
    assert row(summary, "b", "bio")["status"] == "ok"


def test_the_baseline_counts_as_a_control_in_scaling(complete):
    summary = summarise(complete, KINDS | {"b": "baseline"}, WEIGHTS)
    assert row(summary, "b", "ilisi")["scaled_mean"] == 0
    assert row(summary, "a", "ilisi")["scaled_mean"] == pytest.approx((0.7 - 0.2) / (1.0 - 0.2))


def test_a_run_that_lacks_a_part_has_no_total(complete):
    complete.loc[complete.eval("method == 'a' and seed == 2 and metric == 'ari'"), ["value", "status", "reason"]] = [
        [np.nan, "failed", "boom"]
    ]
    complete = complete[~complete.eval("method == 'b' and metric == 'ilisi'")]  # not even a row
    summary = summarise(complete, KINDS, WEIGHTS)
    assert row(summary, "a", "total")[["mean", "n_seeds"]].tolist() == pytest.approx([0.6, 2])
    assert row(summary, "a", "batch")["n_seeds"] == 3
    missing = row(summary, "b", "total")
    assert missing["n_seeds"] == 0
    assert missing[["mean", "scaled_mean"]].isna().all()
    assert row(summary, "b", "bio")["mean"] == pytest.approx(0.5)


def test_a_metric_that_applies_to_nobody_is_left_out_for_all_alike(complete):
    ari = complete["metric"] == "ari"
    complete.loc[ari, ["value", "status", "reason"]] = [[np.nan, "not_applicable", "why"]] * ari.sum()
    summary = summarise(complete, KINDS, WEIGHTS)
    assert row(summary, "a", "bio")["mean"] == pytest.approx(0.6)
    assert row(summary, "b", "total")["mean"] == pytest.approx(0.6 * 0.5 + 0.4 * 0.2)
    assert row(summary, "a", "ari")["n_seeds"] == 0


def test_without_labels_there_is_no_total_for_anyone(complete):
    bio = complete["group"] == "bio"
    complete.loc[bio, ["value", "status", "reason"]] = [[np.nan, "not_applicable", "no labels"]] * bio.sum()
    summary = summarise(complete, KINDS, WEIGHTS)
    assert summary.query("metric in ('bio', 'total')")["mean"].isna().all()
    assert row(summary, "a", "batch")["mean"] == pytest.approx(0.7)
    only_batch = summarise(complete, KINDS, {"bio": 0.0, "batch": 1.0})
    assert row(only_batch, "a", "total")["mean"] == pytest.approx(0.7)


def test_the_order_of_the_rows_changes_nothing(complete):
    shuffled = complete.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(summarise(complete, KINDS, WEIGHTS), summarise(shuffled, KINDS, WEIGHTS))


def test_no_scores_give_an_empty_summary_and_an_empty_ranking():
    summary = summarise(pd.DataFrame(columns=SCORE_COLUMNS), KINDS, WEIGHTS)
    assert list(summary.columns) == SUMMARY_COLUMNS
    assert summary.empty
    ranking = rank(summary, KINDS)
    assert ranking["total"].isna().all()
    assert ranking["n_datasets"].tolist() == [0, 0, 0, 0]


def both_datasets(complete: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([complete, complete.assign(dataset="two", value=complete["value"] / 2)])


def test_ranking_averages_over_data_sets_and_does_not_rank_controls(complete):
    ranking = rank(summarise(both_datasets(complete), KINDS, WEIGHTS), KINDS)
    assert list(ranking.columns) == RANKING_COLUMNS
    assert ranking["method"].tolist() == ["a", "b", "high", "low"]  # low 0.46, high 0.75: controls come last
    assert ranking["rank"].tolist() == [1, 2, pd.NA, pd.NA]
    assert ranking["n_datasets"].tolist() == [2, 2, 2, 2]
    assert ranking["total"][:2].tolist() == pytest.approx([0.7 * 0.75, 0.38 * 0.75])
    assert ranking["scaled_total"][0] == pytest.approx(0.64)  # scaling does not see the halving


def test_the_ranking_tells_how_many_of_the_planned_seeds_have_a_total(complete):
    runs = [("one", "a", 0), ("one", "a", 1), ("one", "a", 2), ("one", "a", 3), ("one", "b", 0)]
    summary = summarise(complete, KINDS, WEIGHTS, runs=runs)
    assert row(summary, "a", "total")[["n_seeds", "n_planned"]].tolist() == [3, 4]
    notes = rank(summary, KINDS).set_index("method")["note"]
    assert notes[["a", "b"]].tolist() == ["3 of 4 seeds on one", ""]
    assert row(summarise(complete, KINDS, WEIGHTS), "a", "total")["n_planned"] == 3


def test_a_method_without_a_total_on_every_data_set_has_no_overall(complete):
    scores = both_datasets(complete)
    gap = scores.eval("dataset == 'two' and method == 'a' and metric == 'ilisi'")
    ranking = rank(summarise(scores[~gap], KINDS, WEIGHTS), KINDS).set_index("method")
    assert ranking.loc["a", "n_datasets"] == 1
    assert ranking.loc["a", ["batch", "total", "scaled_total", "rank"]].isna().all()
    assert ranking.loc["a", "bio"] == pytest.approx(0.7 * 0.75)
    assert ranking.loc["b", "rank"] == 1


def test_a_data_set_without_totals_is_left_out_of_the_whole_ranking(complete):
    unlabelled = complete[complete["group"] == "batch"].assign(dataset="two", value=0.0)
    ranking = rank(summarise(pd.concat([complete, unlabelled]), KINDS, WEIGHTS), KINDS).set_index("method")
    assert ranking.loc["a", ["bio", "batch", "total"]].tolist() == pytest.approx([0.7, 0.7, 0.7])
    assert ranking.loc["a", "n_datasets"] == 1
    alone = rank(summarise(unlabelled, KINDS, WEIGHTS), KINDS).set_index("method")
    assert alone.loc["a", "batch"] == 0
    assert alone["total"].isna().all()
