"""docs/metrics.md is what the docstrings of the metrics say, and these say what a reader needs."""

import importlib.util
import inspect
import subprocess
import sys

import pytest

from scbench.metrics.suite import METRICS


def test_the_page_of_the_metrics_is_up_to_date(root):
    check = subprocess.run([sys.executable, root / "docs/generate.py", "--check"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_range_weakness_and_source(name):
    text = inspect.getdoc(METRICS[name].function)
    for word in ("\nRange: ", "\nWeakness: ", "\nSource: ", "\nParameters\n"):
        assert text.count(word) == 1, f"{name}: {word.strip()}"


def test_a_changed_docstring_changes_the_page(root, monkeypatch):
    spec = importlib.util.spec_from_file_location("generate_docs", root / "docs/generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    before = generate.expected()
    assert "### `kbet`" in before
    monkeypatch.setattr(METRICS["kbet"].function, "__doc__", "Something else.\n\nRange: 0 to 7.")
    assert "**Range:** 0 to 7." in generate.expected()
    assert generate.expected() != before
