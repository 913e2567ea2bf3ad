import subprocess
import sys
import textwrap

import pytest

from scbench.logs import INTERRUPTED, is_being_written


def run(root, tmp_path, body, resources=None):
    """Run `body` as a job of its own; return its outcome and its log."""
    job = f"from scbench.logs import logged\nwith logged('logs/job.log', {resources}):\n" + textwrap.indent(
        textwrap.dedent(body), "    "
    )
    environment = {"PYTHONPATH": str(root / "workflow_scripts"), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", f"{job}\nprint('after')"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    return done, (tmp_path / "logs" / "job.log").read_text()


def test_everything_a_job_prints_is_in_the_log_and_nothing_after_it(root, tmp_path):
    done, log = run(
        root,
        tmp_path,
        """
        import ctypes, os, subprocess, sys, warnings
        print("python")
        print("error stream", file=sys.stderr)
        warnings.warn("careful")
        os.write(1, b"descriptor 1\\n")
        os.write(2, b"descriptor 2\\n")
        subprocess.run(["echo", "child"])
        ctypes.CDLL(None).puts(b"c library")
        """,
    )
    assert done.returncode == 0
    assert done.stdout == "after\n"
    assert done.stderr == ""
    for line in ("python", "error stream", "careful", "descriptor 1", "descriptor 2", "child", "c library"):
        assert line in log


def test_lines_are_in_the_log_while_the_job_runs(root, tmp_path):
    _, log = run(root, tmp_path, "print('first')\nprint('seen:', open('logs/job.log').read())")
    assert "seen: first" in log


def test_a_failure_is_one_sentence_on_the_terminal_and_a_traceback_in_the_log(root, tmp_path):
    done, log = run(root, tmp_path, "raise ValueError('a key\\nis wrong')")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "ValueError: a key is wrong (log: logs/job.log)\n"
    assert "Traceback" in log


@pytest.mark.parametrize("code", ["0", "3", "None"])
def test_code_that_exits_before_the_result_is_a_failure_and_said_to_be_one(root, tmp_path, code):
    done, log = run(root, tmp_path, f"raise SystemExit({code})")
    assert done.returncode == 1
    assert log.splitlines()[-1] == f"the code called exit({code}) before the result was written"


def test_the_last_line_of_the_log_is_the_whole_message_however_many_lines_it_has(root, tmp_path):
    words = [f"word{number}" for number in range(60)]
    done, log = run(root, tmp_path, f"raise ValueError({chr(10).join(words)!r})")
    assert log.splitlines()[-1] == f"ValueError: {' '.join(words)}"
    assert done.stderr == f"ValueError: {' '.join(words)} (log: logs/job.log)\n"


def test_a_full_disk_is_named_whatever_a_library_makes_of_it(root, tmp_path):
    done, _ = run(
        root, tmp_path, "raise RuntimeError('write failed (errno = 28, No space left on device, buf = 0x55)')"
    )
    assert done.stderr == "RuntimeError: the disk is full; make room and start again (log: logs/job.log)\n"


def test_an_interrupted_job_says_so(root, tmp_path):
    done, log = run(root, tmp_path, "raise KeyboardInterrupt")
    assert done.returncode == 1
    assert log.splitlines()[-1] == INTERRUPTED


def test_a_log_is_known_to_be_written_as_long_as_its_job_runs(root, tmp_path):
    _, log = run(root, tmp_path, "from scbench.logs import is_being_written as asked; print(asked('logs/job.log'))")
    assert log == "True\n"
    assert not is_being_written(tmp_path / "logs/job.log")
    assert not is_being_written(tmp_path / "logs/other.log")


def test_a_new_job_starts_a_new_log(root, tmp_path):
    run(root, tmp_path, "print('old')")
    assert "old" not in run(root, tmp_path, "print('new')")[1]


def test_a_job_that_raised_is_not_run_again_and_keeps_its_traceback(root, tmp_path):
    body = "open('times', 'a').write('x'); raise ValueError('wrong on every node')"
    first, log = run(root, tmp_path, body, {"attempt": 1})
    (tmp_path / "logs/job.log").unlink()  # as Snakemake does
    second, again = run(root, tmp_path, body, {"attempt": 2})
    assert (first.returncode, second.returncode) == (1, 1)
    assert "ValueError: wrong on every node" in second.stderr
    assert again == log
    assert (tmp_path / "times").read_text() == "x"
    run(root, tmp_path, body, {"attempt": 1})  # the next start
    assert (tmp_path / "times").read_text() == "xx"


def test_a_job_that_lacked_memory_is_run_again(root, tmp_path):
    body = "open('times', 'a').write('x'); raise MemoryError"
    for attempt in (1, 2):
        run(root, tmp_path, body, {"attempt": attempt})
    assert (tmp_path / "times").read_text() == "xx"


def test_a_job_above_the_memory_of_the_machine_does_not_start(root, tmp_path):
    done, log = run(root, tmp_path, "print('started')", {"mem_mb": 10**9})
    assert done.returncode == 1
    assert log.startswith("needs about 1,000,000,000 MB of memory, this machine has ")
    assert log.strip() in done.stderr
