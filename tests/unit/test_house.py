"""The house keeps its shape: imports go downwards, types fit, no file, function or copy grows too large."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

LIBRARY = ROOT / "workflow_scripts" / "scbench"
FILES = sorted(LIBRARY.rglob("*.py"))
MAX_LINES_OF_FILE, MAX_LINES_OF_FUNCTION, MAX_LINES_OF_SCRIPT, COPY = 300, 60, 40, 10


def checked(*command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow_scripts")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_no_module_imports_upwards_or_sideways():
    problems = checked(str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache")
    assert not problems, problems


def test_an_import_upwards_is_found(tmp_path):
    """The linter is told where the floors are: a copy in which a metric imports a report is refused."""
    import shutil

    shutil.copytree(LIBRARY, tmp_path / "scbench", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "scbench/metrics/lisi.py").open("a") as file:
        file.write("\n\ndef late():\n    from scbench.report import figures\n")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "scbench.metrics is not allowed to import scbench.report" in done.stdout


def test_types_fit():
    problems = checked(sys.executable, "-m", "mypy", "--no-error-summary")
    assert not problems, problems


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_no_file_and_no_function_is_too_long(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_LINES_OF_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < MAX_LINES_OF_FUNCTION, node.name


def test_scripts_are_short():
    lengths = {path.name: path.read_text().count("\n") for path in (ROOT / "workflow_scripts").glob("*.py")}
    assert lengths
    assert not {name: length for name, length in lengths.items() if length > MAX_LINES_OF_SCRIPT}


def test_no_ten_lines_stand_twice():
    seen: dict[tuple[str, ...], str] = {}
    copies = set()
    for path in FILES:
        lines = [line.strip() for line in path.read_text().splitlines()]
        lines = [line for line in lines if line and not line.startswith(("#", "import ", "from "))]
        for start in range(len(lines) - COPY + 1):
            place = f"{path.relative_to(LIBRARY)}: {lines[start]}"
            first = seen.setdefault(tuple(lines[start : start + COPY]), place)
            if first != place:
                copies.add((first, place))
    assert not copies
