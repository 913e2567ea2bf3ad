"""Every run of the plan gets the status that its files and logs tell."""

import fcntl
import json
import os

import pandas as pd
import pytest

from scbench.checks import SCORE_COLUMNS
from scbench.coverage import COVERAGE_COLUMNS, KILLED, causes_of_slurm, coverage, end
from scbench.integrity import check_writable
from scbench.logs import INTERRUPTED
from scbench.paths import Paths
from scbench.plan import Run
from scbench.ranking.costs import resources
from scbench.types import ConfigError

ERROR = "epoch 1\nTraceback (most recent call last):\n  File x\nValueError: no such thing\n\n"
RUN = Run("data", "harmony", 1)
SCORED = "\t".join(SCORE_COLUMNS) + "\ndata\tharmony\t1\tnmi\tbio\t0.5\tok\t\tmade up\n"
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
    table = coverage([run], Paths(str(results)))
    assert table[["dataset", "method", "seed"]].iloc[0].tolist() == [run.dataset, run.method, run.seed]
    return tuple(table[["status", "reason", "log"]].iloc[0])


def test_embedding_and_scores_make_a_run_ok_even_after_an_earlier_error(tmp_path, write):
    write(EMBEDDING)
    write(SCORES, text=SCORED)
    write(INTEGRATE_LOG, text=ERROR)
    assert outcome(tmp_path) == ("ok", "", "")


def test_metrics_that_failed_are_named(tmp_path, write):
    write(EMBEDDING)
    failed = "".join(f"data\tharmony\t1\t{name}\tbatch\t\tfailed\twhy\tmade up\n" for name in ("kbet", "bras"))
    write(SCORES, text=SCORED + failed)
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


def test_raw_data_are_not_asked_for_once_the_dataset_is_prepared(tmp_path, write):
    write(*DATA_FILES[1:])
    assert outcome(tmp_path) == ("not_run", "waits for integrate", "")


def test_resources_are_read_where_there_are_any_and_NA_is_missing(tmp_path, write):
    measured = {"s": 12.5, "cpu_time": 20.0, "max_rss": 300.25}
    write("data/harmony/seed1/benchmark.jsonl", text=json.dumps(measured) + "\n")
    quick = {"s": 0.2, "cpu_time": "NA", "max_rss": "NA"}
    write("data/harmony/seed2/benchmark.jsonl", text=json.dumps(quick) + "\n")
    files = {("data", "harmony", seed): tmp_path / f"data/harmony/seed{seed}/benchmark.jsonl" for seed in (1, 2, 3)}
    table = resources(files)
    assert table.iloc[0].tolist() == ["data", "harmony", 1, 12.5, 20.0, 300.25]
    assert len(table) == 2
    assert table.iloc[1][["cpu_seconds", "max_rss_mb"]].isna().all()


def test_no_runs_give_empty_tables(tmp_path):
    assert coverage([], Paths(str(tmp_path))).empty
    assert resources({}).empty


@pytest.mark.parametrize(
    ("status", "said", "cause"),
    [
        ("TIMEOUT", "", "TIMEOUT"),
        ("CANCELLED", "", "CANCELLED"),
        ("FAILED", "slurmstepd: error: StepId=8.0 exceeded memory limit (12 > 10), being killed", "OUT_OF_MEMORY"),
        ("FAILED", "", "FAILED"),
    ],
)
def test_a_job_that_slurm_ended_has_its_cause_as_the_reason(tmp_path, write, status, said, cause):
    write(*DATA_FILES)
    write(INTEGRATE_LOG, text="epoch 1\n")
    write("8.log", text=said)
    block = (
        "Error in rule integrate_harmony:\n    message: SLURM-job '8' failed, SLURM status is: '{}'. More.\n"
        "    jobid: 6\n    log: {}, {} (check log file(s) for error details)\n    external_jobid: 8\n"
    )
    log, slurm_log = str(tmp_path / INTEGRATE_LOG), tmp_path / "8.log"
    causes = causes_of_slurm(block.format("NODE_FAIL", log, slurm_log) + block.format(status, log, slurm_log))
    paths = Paths(str(tmp_path))
    assert coverage([RUN], paths, causes)["reason"].tolist() == [f"Slurm ended job 8: {cause}"]
    (tmp_path / INTEGRATE_LOG).unlink()
    assert coverage([RUN], paths, causes)["status"].tolist() == ["failed"], "a job that never started"
    write(INTEGRATE_LOG, text=ERROR)
    assert coverage([RUN], paths, causes)["reason"].tolist() == ["ValueError: no such thing"]


# ---- at the end of a run


def test_coverage_is_recorded_with_a_row_per_planned_run_whatever_became_of_it(tmp_path, write):
    write(EMBEDDING, *DATA_FILES)
    write(SCORES, text=SCORED)
    write("logs/data/vae/seed0/integrate.log", text=ERROR)
    runs = [RUN, Run("data", "vae", 0), Run("data", "oracle", 0, "skipped", "no labels"), Run("later", "vae", 0)]
    paths = Paths(str(tmp_path))
    end(runs, paths, complete=False)
    table = pd.read_csv(paths.coverage, sep="\t", keep_default_na=False)
    assert list(table.columns) == COVERAGE_COLUMNS
    assert table["status"].tolist() == ["ok", "failed", "skipped", "not_run"]


def test_the_closing_words_name_each_failed_run_with_its_reason_and_its_log(tmp_path, write):
    write(EMBEDDING, *DATA_FILES)
    write(SCORES, text=SCORED)
    log = "logs/data/vae/seed0/integrate.log"
    write(log, text=ERROR)
    write("tables/overall.md", text="| Harmony |")
    paths = Paths(str(tmp_path))
    assert end([RUN, Run("data", "vae", 0)], paths, complete=False)[0].splitlines() == [
        f"1 of 2 runs failed; see {paths.coverage}",
        f"  data vae seed 0: ValueError: no such thing (log: {tmp_path / log})",
        "1 of 2 runs are complete. Start again to make only what is missing.",
    ]


def test_the_closing_words_of_a_complete_benchmark_are_its_table_and_where_the_rest_is(tmp_path, write):
    write(EMBEDDING)
    write(SCORES, text=SCORED)
    paths = Paths(str(tmp_path))
    assert end([RUN], paths, complete=True)[0] == "", "only some files were asked for, so there is no table"
    write("tables/overall.md", text="| Harmony |\n")
    assert (
        end([RUN], paths, complete=True)[0] == f"| Harmony |\n\nTables: {tmp_path}/tables   Figures: {tmp_path}/figures"
    )
    reason = "scvi-tools is not installed; run `make reference`"
    skipped = [Run("data", method, seed, "skipped", reason) for method in ("scvi", "scanvi") for seed in (0, 1)]
    assert end([RUN, *skipped], paths, complete=True)[0].splitlines()[-1] == f"Skipped: scvi, scanvi ({reason})"


def test_the_table_of_an_earlier_start_is_not_shown_for_one_that_did_not_finish(tmp_path, write):
    write(EMBEDDING, *DATA_FILES, "tables/overall.md", text="| Harmony |")
    write(SCORES, text=SCORED)
    paths = Paths(str(tmp_path))
    words, _ = end([RUN], paths, complete=False)
    assert words.startswith("Not finished: 1 of 1 runs are complete, but another step failed. Start again")
    assert "tables and figures may be old" in words
    words, _ = end([RUN, Run("data", "vae", 0)], paths, complete=False)
    assert words == "Not finished: 1 of 2 runs are complete, 1 not run. Start again to make only what is missing."
    assert end([RUN, Run("data", "vae", 0)], paths, complete=True)[0] == "", "only some files were asked for"


def test_a_run_under_way_is_not_called_failed(tmp_path, write):
    write(*DATA_FILES)
    write(INTEGRATE_LOG, text="epoch 1\n")
    with (tmp_path / INTEGRATE_LOG).open("a") as log:
        fcntl.flock(log, fcntl.LOCK_SH)
        assert outcome(tmp_path) == ("not_run", "integrate is running", str(tmp_path / INTEGRATE_LOG))
    assert outcome(tmp_path)[0] == "failed"


def test_an_interrupted_run_is_not_called_failed(tmp_path, write):
    write(*DATA_FILES)
    write(INTEGRATE_LOG, text=f"Traceback (most recent call last):\nKeyboardInterrupt\n\n{INTERRUPTED}\n")
    assert outcome(tmp_path)[:2] == ("not_run", f"integrate was {INTERRUPTED}")


@pytest.mark.parametrize("where", ["scbench.files.write_table", "scbench.integrity.remove_broken"])
def test_at_the_end_a_full_disk_or_a_folder_without_rights_is_said_in_one_sentence(tmp_path, write, monkeypatch, where):
    write(EMBEDDING, *DATA_FILES)
    write(SCORES, text=SCORED)

    def full(*arguments):
        raise OSError(28, "No space left on device", "summary")

    monkeypatch.setattr(where, full)
    words, _ = end([RUN, Run("data", "vae", 0)], Paths(str(tmp_path)), complete=False)
    first, second = words.splitlines()
    assert first.startswith("Not finished: 1 of 2 runs are complete")
    assert "(No space left on device" in second


@pytest.mark.parametrize("rights", [True, False])
def test_a_folder_in_which_nothing_can_be_written_is_refused_before_any_job(tmp_path, monkeypatch, rights):
    monkeypatch.setattr(os, "access", lambda path, mode: rights)
    if rights:
        check_writable("benchmark.results", tmp_path / "new/results")
    else:
        with pytest.raises(ConfigError, match=f"benchmark.results: nothing can be written in '{tmp_path}'"):
            check_writable("benchmark.results", tmp_path / "new/results")
