"""A damaged, edited or foreign file of the results is named, set aside, and costs its own run only."""

import hashlib
import json
import os
import subprocess
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import make_config, make_results
from result_files import CELLS, FILES, RUN, by_type, embedding, scores

from scbench.config import robust_metrics, scored_metrics
from scbench.coverage import coverage, end
from scbench.files import (
    read_embedding,
    read_scores,
    read_table,
    write_scores,
    write_table,
)
from scbench.integrity import BrokenFileError, broken, remove_broken, set_aside, usable, whole
from scbench.logs import logged
from scbench.plan import plan_runs
from scbench.ranking.tables import summary_tables
from scbench.registry import load_registry
from scbench.score_files import read_by_type
from scbench.types import ContractError

DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "a flipped bit": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "foreign": lambda content: b"<html>404</html>",
    "longer": lambda content: content + b"\n",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_with_other_content_than_was_written_is_named(tmp_path, name, damage):
    write, read = FILES[name]
    write(tmp_path / name)
    read(tmp_path / name)
    (tmp_path / name).write_bytes(DAMAGE[damage]((tmp_path / name).read_bytes()))
    with pytest.raises(BrokenFileError, match=f"{name}: its content is not what was written"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("scores.tsv", "by_type.tsv")])
def test_without_a_digest_a_file_that_cannot_be_read_is_named_and_left_alone(tmp_path, name):
    write, read = FILES[name]
    write(tmp_path / name)
    (tmp_path / f".{name}.sha256").unlink()
    read(tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:50])
    with pytest.raises(ContractError, match=f"{name}: cannot be read") as caught:
        read(tmp_path / name)
    assert not isinstance(caught.value, BrokenFileError)


def test_the_digest_is_one_that_sha256sum_checks(tmp_path):
    write_scores(tmp_path / "scores.tsv", scores())
    done = subprocess.run(["sha256sum", "-c", ".scores.tsv.sha256"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "scores.tsv: OK\n"


def test_the_same_content_gives_the_same_bytes_whatever_process_writes_it(tmp_path, monkeypatch):
    for name, (write, _) in FILES.items():
        write(tmp_path / "one" / name)
        monkeypatch.setattr(os, "getpid", lambda: 4_000_000)
        write(tmp_path / "two" / name)
        monkeypatch.undo()
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (scores(value=[2.0, np.nan]), "the score ilisi is 2.0, outside of -1 to 1"),
        (scores(method="scdml"), "is of method scdml, not of method harmony"),
        (scores(seed=2), "is of seed 2, not of seed 1"),
        (scores()[:1], "has no row for nmi"),
        (pd.concat([scores(), scores()]), "a score stands twice"),
        (scores(value=np.nan), "a score has a value exactly when it is ok"),
    ],
)
def test_a_table_of_scores_has_one_row_per_metric_of_its_run_within_its_range(tmp_path, table, problem):
    write_table(tmp_path / "scores.tsv", table)
    with pytest.raises(BrokenFileError, match=problem):
        read_scores(tmp_path / "scores.tsv", RUN, ["nmi", "ilisi"])


@pytest.mark.parametrize(
    ("table", "problem"),
    [(by_type(value=-3.0), "the score cilisi is -3.0"), (by_type(cells=0), "a group has no cells")],
)
def test_scores_by_type_are_within_their_range(tmp_path, table, problem):
    write_table(tmp_path / "by_type.tsv", table)
    with pytest.raises(BrokenFileError, match=problem):
        read_by_type(tmp_path / "by_type.tsv", RUN)


@pytest.mark.parametrize("other", [("else", "harmony", 1), ("data", "scdml", 1), ("data", "harmony", 2)])
def test_the_embedding_of_another_run_is_refused(tmp_path, other):
    embedding(tmp_path / "embedding.h5ad", other)
    with pytest.raises(BrokenFileError, match=r"embedding\.h5ad: is of "):
        read_embedding(tmp_path / "embedding.h5ad", CELLS, RUN)


# ---- what is set aside


def test_a_broken_file_keeps_its_name_until_the_end_of_the_start_and_its_content_after(tmp_path):
    write_scores(tmp_path / "scores.tsv", scores())
    (tmp_path / "scores.tsv").write_text("edited")
    with pytest.raises(SystemExit), logged(tmp_path / "job.log"):
        read_scores(tmp_path / "scores.tsv")
    reason, note = broken(tmp_path / "scores.tsv")
    assert reason.endswith("damaged or was edited (kept as scores.tsv.broken; the next start makes it again)")
    assert reason in (tmp_path / "job.log").read_text().splitlines()[-1]
    assert Path(note).exists()
    with pytest.raises(BrokenFileError):  # other jobs that are under way find the same problem
        read_scores(tmp_path / "scores.tsv")
    assert remove_broken(tmp_path) == 1
    assert not (tmp_path / "scores.tsv").exists()
    assert (tmp_path / "scores.tsv.broken").read_text() == "edited"
    assert broken(tmp_path / "scores.tsv") == (reason, note)
    with pytest.raises(FileNotFoundError, match=r"kept as scores\.tsv\.broken"):
        read_scores(tmp_path / "scores.tsv")
    write_scores(tmp_path / "scores.tsv", scores())
    assert broken(tmp_path / "scores.tsv") is None
    assert remove_broken(tmp_path) == 0
    assert (tmp_path / "scores.tsv").exists()


def test_a_file_system_without_links_is_no_obstacle(tmp_path, monkeypatch):
    def no_links(*names):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    write_scores(tmp_path / "scores.tsv", scores())
    set_aside(BrokenFileError(tmp_path / "scores.tsv", "is bad"))
    assert broken(tmp_path / "scores.tsv")
    assert not (tmp_path / "scores.tsv").exists()


def test_a_file_that_may_not_be_read_is_not_broken(tmp_path):
    write_scores(tmp_path / "scores.tsv", scores())
    with pytest.raises(PermissionError), whole(tmp_path / "scores.tsv"):
        raise PermissionError(13, "Permission denied")


def test_a_write_that_fails_leaves_the_old_file_and_its_digest(tmp_path, monkeypatch):
    write_scores(tmp_path / "scores.tsv", scores())

    def full(file, data):
        file.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_scores(tmp_path / "scores.tsv", scores()[:1])
    monkeypatch.undo()
    assert len(read_scores(tmp_path / "scores.tsv")) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"scores.tsv", ".scores.tsv.sha256"}


def test_what_a_killed_process_left_is_removed_when_its_file_is_written_again(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = [f".{dead.pid}.scores.tsv", f".{dead.pid}.levels.tsv", f".{os.getppid()}.scores.tsv", ".mine.scores.tsv"]
    for name in left:
        (tmp_path / name).write_text("half")
    write_scores(tmp_path / "scores.tsv", scores())
    assert {path.name for path in tmp_path.iterdir()} == {"scores.tsv", ".scores.tsv.sha256", *left[1:]}


def test_of_several_files_the_broken_one_is_left_out(tmp_path, capsys):
    for name in "ab":
        write_table(tmp_path / name, pd.DataFrame({"x": [1]}))
    (tmp_path / "a").write_text("y\n")
    assert set(usable({name: tmp_path / name for name in "ab"}, read_table)) == {"b"}
    assert f"left out: {tmp_path / 'a'}: its content is not what was written" in capsys.readouterr().out


# ---- a run with a broken file


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    config = make_config(folder, n_datasets=1, n_methods=2, n_seeds=1)
    at = make_results(folder, config)
    return at, config, [run for run in plan_runs(config, load_registry(config["methods"])) if run.status == "planned"]


def summarised(made):
    at, config, runs = made
    keys = [(run.dataset, run.method, run.seed) for run in runs]
    names = {"scores": "scores.tsv", "benchmark": "benchmark.jsonl"}
    files = {key: {part: at.run(*key, name) for part, name in names.items()} for key in keys}
    metrics = config["metrics"]
    return summary_tables(
        files,
        kinds={run.method: "method" for run in runs},
        metrics=list(chain(*scored_metrics(metrics).values())),
        weights=metrics["weights"],
        scaling="min_max",
        robust=robust_metrics(metrics),
        runs=keys,
    )


BREAK = {
    "scores.tsv": {
        "truncated": lambda text: text[: len(text) // 2],
        "without a row": lambda text: text[: text.rindex("data_0")],
        "a score of 2": lambda text: text.replace("\t0.", "\t2.", 1),
        "empty": lambda text: "",
    },
    "benchmark.jsonl": {
        "truncated": lambda text: text[:9],
        "negative": lambda text: json.dumps({"s": -1, "cpu_time": 1, "max_rss": 1}),
        "infinite": lambda text: '{"s": Infinity, "cpu_time": 1, "max_rss": 1}',
        "text": lambda text: json.dumps({"s": "fast", "cpu_time": 1, "max_rss": 1}),
        "incomplete": lambda text: json.dumps({"s": 1}),
        "empty": lambda text: "",
    },
}


@pytest.mark.parametrize(("name", "how"), [(name, how) for name, ways in BREAK.items() for how in ways])
@pytest.mark.parametrize("digest", [True, False])
def test_a_broken_file_costs_its_own_run_and_no_more(made, name, how, digest):
    at, _, runs = made
    bad = Path(at.run("data_0", "m0", 0, name))
    kept, sidecar = bad.read_text(), bad.with_name(f".{name}.sha256")
    kept_digest = sidecar.read_text() if sidecar.exists() else None
    try:
        bad.write_text(BREAK[name][how](kept))
        if kept_digest and not digest:  # as if made by a version without digests, or edited together with it
            sidecar.write_text(hashlib.sha256(bad.read_bytes()).hexdigest())
        tables, problems = summarised(made)
        assert set(problems) == {("data_0", "m0", 0)}
        assert set(tables["scores"]["method"]) == {run.method for run in runs} - {"m0"}
        assert set(tables["resources"]["method"]) == {run.method for run in runs} - {"m0"}
        for error in problems.values():
            set_aside(error)
        for when in ("while the start is running", "at its end", "until the file is made again"):
            covered = coverage(runs, at).set_index("method")
            assert covered.loc["m0", "status"] == "failed", when
            assert str(bad) in covered.loc["m0", "reason"], when
            assert (covered.drop(index="m0")["status"] == "ok").all(), when
            if when == "while the start is running":
                words, removed = end(runs, at, complete=True)
                assert removed == 1
                assert "1 of 7 runs failed" in words
                assert str(bad) in words
        assert not bad.exists()
    finally:
        for path in bad.parent.glob(f"{name}.broken*"):
            path.unlink()
        bad.write_text(kept)
        if kept_digest:
            sidecar.write_text(kept_digest)


def test_the_scores_of_every_run_are_compared_with_their_digest_at_the_end_even_if_no_job_read_them(made):
    at, _, runs = made
    bad = Path(at.run("data_0", "m1", 0, "scores.tsv"))
    kept = bad.read_text()
    bad.write_text(kept.replace("0.5", "0.6").replace("made up", "made_up"))
    try:
        assert end(runs, at, complete=False)[1] == 1
        assert not bad.exists()
    finally:
        for path in bad.parent.glob("scores.tsv.broken*"):
            path.unlink()
        bad.write_text(kept)
