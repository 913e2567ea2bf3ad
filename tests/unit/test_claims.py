"""Claims are tested as paired differences: made-up numbers with known answers, and an independent t test."""

import itertools

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy import stats

from scbench.checks import SCORE_COLUMNS
from scbench.config import load_config
from scbench.files import read_table
from scbench.ranking.claims import CLAIM_TEXT, judge, run_totals
from scbench.ranking.summary import summarise
from scbench.registry import load_registry
from scbench.report.claims import shown

WEIGHTS = {"bio": 0.6, "batch": 0.4}


def scores_of(values: dict) -> pd.DataFrame:
    """{(dataset, method, seed): (bio, batch)} as scores."""
    rows = []
    for (dataset, method, seed), parts in values.items():
        for metric, group, value in zip(("clisi", "ilisi"), ("bio", "batch"), parts, strict=True):
            status = ("ok", "") if value is not None else ("failed", "x")
            rows.append((dataset, method, seed, metric, group, value, *status, "made up"))
    return pd.DataFrame(rows, columns=SCORE_COLUMNS).astype({"value": float})


def claim(**changes) -> pd.DataFrame:
    one = {"claim": "a beats b", "table": "scores", "method": "a", "measure": "batch", "other": "b"}
    one |= {"other_measure": "batch", "expected": "above", "bound": 0.0}
    return pd.DataFrame([one | changes])


def made_up(differences: dict) -> dict:
    """{dataset: differences of a - b over seeds} as tables."""
    values = {}
    for dataset, found in differences.items():
        for seed, difference in enumerate(found):
            values[dataset, "a", seed] = (0.5, 0.4 + difference)
            values[dataset, "b", seed] = (0.5, 0.4)
    return {"scores": run_totals(scores_of(values), WEIGHTS)}


def test_the_totals_of_runs_are_those_of_the_summary():
    scores = scores_of({("one", "a", 0): (0.5, 0.3), ("one", "a", 1): (0.7, 0.1), ("one", "b", 0): (None, 0.2)})
    totals = run_totals(scores, WEIGHTS).set_index(["method", "seed"])
    summary = summarise(scores, {"a": "method", "b": "method"}, WEIGHTS).set_index(["method", "metric"])["mean"]
    for name in ("bio", "batch", "total"):
        assert totals.loc["a", name].mean() == pytest.approx(summary["a", name])
    assert totals.loc[("b", 0), ["bio", "total"]].isna().all()
    assert totals.loc[("b", 0), "batch"] == 0.2


def test_with_three_datasets_the_interval_is_that_of_a_paired_t_test_over_datasets():
    differences = {"one": [0.1, 0.2], "two": [0.3, 0.3], "three": [0.05, 0.15]}
    row = judge(claim(), made_up(differences)).iloc[0]
    means = [np.mean(found) for found in differences.values()]
    low, high = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert [row["difference"], row["ci_low"], row["ci_high"]] == pytest.approx([np.mean(means), low, high])
    assert (row["over"], row["n_datasets"], row["n_pairs"]) == ("datasets", 3, 6)


def test_with_one_dataset_the_interval_is_that_of_a_paired_t_test_over_seeds():
    found = [0.1, 0.2, 0.15, 0.12]
    row = judge(claim(), made_up({"one": found})).iloc[0]
    low, high = stats.ttest_1samp(found, 0).confidence_interval(0.95)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([low, high])
    assert (row["over"], row["verdict"]) == ("seeds", "held")


def test_the_interval_over_seeds_of_two_datasets_covers_the_truth_in_95_of_100_cases():
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(300):
        row = judge(claim(), made_up({name: random.normal(0.1, 0.05, 4) for name in ("one", "two")})).iloc[0]
        inside += row["ci_low"] < 0.1 < row["ci_high"]
    assert 0.91 < inside / 300 < 0.99


@pytest.mark.parametrize(
    ("expected", "bound", "verdict"),
    [
        ("above", 0.0, "held"),
        ("below", 0.0, "contradicted"),
        ("above", 0.15, "not shown"),
        ("below", 0.5, "held"),
        ("above", 0.5, "contradicted"),
    ],
)
def test_a_claim_holds_if_the_whole_interval_is_on_the_expected_side_of_the_bound(expected, bound, verdict):
    tables = made_up({"one": [0.1, 0.2, 0.15, 0.12]})
    assert judge(claim(expected=expected, bound=bound), tables)["verdict"].tolist() == [verdict]


def test_a_method_with_one_seed_is_paired_with_every_seed_of_the_other():
    tables = made_up({"one": [0.1, 0.2, 0.3]})
    scores = tables["scores"]
    tables["scores"] = scores[(scores["method"] == "a") | (scores["seed"] == 0)]
    assert judge(claim(), tables)[["n_pairs", "difference"]].to_numpy().tolist() == [[3, pytest.approx(0.2)]]


def test_measures_of_the_same_run_are_compared():
    runs = [("one", "a", 0, 0.9, 0.5), ("one", "a", 1, 0.8, 0.5)]
    table = pd.DataFrame(runs, columns=["dataset", "method", "seed", "x", "chance"])
    row = judge(claim(other="a", table="probes", measure="x", other_measure="chance"), {"probes": table}).iloc[0]
    assert row["difference"] == pytest.approx(0.35)
    assert row["measured"] == "a: x - chance > 0"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"other": "c"}, "c was not run"),
        ({"measure": "kbet"}, "kbet is not measured"),
        ({"table": "probes"}, "no runs with the analysis probes"),
    ],
)
def test_what_cannot_be_tested_says_why(changes, reason):
    found = judge(claim(**changes), made_up({"one": [0.1, 0.2]}))
    assert found[["verdict", "reason"]].to_numpy().tolist() == [["not tested", reason]]
    assert shown(found)["verdict"].tolist() == [f"not tested: {reason}"]


def test_one_run_of_each_gives_a_difference_without_an_interval():
    row = judge(claim(), made_up({"one": [0.1]})).iloc[0]
    assert row["difference"] == pytest.approx(0.1)
    assert (row["verdict"], row["over"]) == ("no interval", "")


def test_the_claims_name_methods_of_the_registry_and_known_measures():
    claims = read_table(ROOT / "config/claims.tsv", text=CLAIM_TEXT)
    config = load_config(ROOT / "config", {})
    assert set(claims["method"]) | set(claims["other"]) <= set(load_registry(config["methods"]))
    assert set(claims["table"]) <= {"scores", "disentanglement", "gene_vectors"}
    assert set(claims["expected"]) <= {"above", "below"}
    known = {"bio", "batch", "total", *itertools.chain(*config["metrics"]["presets"]["scib"].values())}
    assert set(claims.loc[claims["table"] == "scores", ["measure", "other_measure"]].to_numpy().ravel()) <= known
    assert not claims["claim"].duplicated().any()
