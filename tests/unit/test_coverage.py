"""Every run of the plan gets the status that its files and logs tell."""

import json

import pytest

from scbench.coverage import KILLED, coverage, resources
from scbench.plan import Run

ERROR = "epoch 1\nTraceback (most recent call last):\n  File x\nValueError: no such thing\n\n"
RUN = Run("data", "harmony", 1)
DATA_FILES = ["data/raw.h5ad", "data/dataset.h5ad", "data/truth.tsv.gz"]
EMBEDDING, SCORES = "data/harmony/seed1/embedding.h5ad", "data/harmony/seed1/scores.tsv"
INTEGRATE_LOG, SCORE_LOG = "logs/data/harmony/seed1/integrate.log", "logs/data/harmony/seed1/score.log"


@pytest.fixture
def write(tmp_path):
    def write(*names: str, text: str = "") -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    return write


def outcome(results, run: Run = RUN) -> tuple:
    table = coverage([run], results)
    assert table[["dataset", "method", "seed"]].iloc[0].tolist() == [run.dataset, run.method, run.seed]
    return tuple(table[["status", "reason", "log"]].iloc[0])


def test_embedding_and_scores_make_a_run_ok_even_after_an_earlier_error(tmp_path, write):
    write(EMBEDDING, SCORES)
    write(INTEGRATE_LOG, text=ERROR)
    assert outcome(tmp_path) == ("ok", "", "")


def test_metrics_that_failed_are_named(tmp_path, write):
    write(EMBEDDING)
    write(SCORES, text="metric\tstatus\nnmi\tok\nkbet\tfailed\nbras\tfailed\n")
    assert outcome(tmp_path) == ("ok", "metrics that failed: kbet, bras", "")


def test_a_skipped_run_keeps_its_reason(tmp_path):
    assert outcome(tmp_path, Run("data", "oracle", 0, "skipped", "no labels")) == ("skipped", "no labels", "")


def test_a_run_waits_for_the_first_step_without_output(tmp_path, write):
    assert outcome(tmp_path) == ("not_run", "waits for fetch or simulate", "")
    write(DATA_FILES[0])
    assert outcome(tmp_path) == ("not_run", "waits for prepare", "")
    write(*DATA_FILES[1:])
    assert outcome(tmp_path) == ("not_run", "waits for integrate", "")
    write(EMBEDDING)
    assert outcome(tmp_path) == ("not_run", "waits for score", "")


@pytest.mark.parametrize(
    ("files", "log"),
    [
        ([], "logs/data/fetch.log"),
        ([], "logs/data/simulate.log"),
        (DATA_FILES[:1], "logs/data/prepare.log"),
        (DATA_FILES, INTEGRATE_LOG),
        ([*DATA_FILES, EMBEDDING], SCORE_LOG),
    ],
)
def test_the_error_of_the_step_is_the_reason(tmp_path, write, files, log):
    write(*files)
    write(log, text=ERROR)
    assert outcome(tmp_path) == ("failed", "ValueError: no such thing", str(tmp_path / log))


@pytest.mark.parametrize("text", ["", "epoch 1\nepoch 2\n"])
def test_a_log_without_an_error_and_without_a_result_was_killed(tmp_path, write, text):
    write(*DATA_FILES)
    write(INTEGRATE_LOG, text=text)
    assert outcome(tmp_path) == ("failed", KILLED, str(tmp_path / INTEGRATE_LOG))


def test_scores_of_an_embedding_that_is_gone_do_not_count(tmp_path, write):
    write(*DATA_FILES, SCORES)
    write(INTEGRATE_LOG, text=ERROR)
    assert outcome(tmp_path)[0] == "failed"


def test_raw_data_are_not_asked_for_once_the_data_set_is_prepared(tmp_path, write):
    write(*DATA_FILES[1:])
    assert outcome(tmp_path) == ("not_run", "waits for integrate", "")


def test_resources_are_read_where_there_are_any_and_NA_is_missing(tmp_path, write):
    measured = {"s": 12.5, "cpu_time": 20.0, "max_rss": 300.25}
    write("data/harmony/seed1/benchmark.jsonl", text=json.dumps(measured) + "\n")
    quick = {"s": 0.2, "cpu_time": "NA", "max_rss": "NA"}
    write("data/harmony/seed2/benchmark.jsonl", text=json.dumps(quick) + "\n")
    table = resources([Run("data", "harmony", seed) for seed in (1, 2, 3)], tmp_path)
    assert table.iloc[0].tolist() == ["data", "harmony", 1, 12.5, 20.0, 300.25]
    assert len(table) == 2
    assert table.iloc[1][["cpu_seconds", "max_rss_mb"]].isna().all()


def test_no_runs_give_empty_tables(tmp_path):
    assert coverage([], tmp_path).empty
    assert resources([], tmp_path).empty
