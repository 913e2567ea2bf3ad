"""The documentation says what the code does: metrics, their worked example, and the tests of reliability."""

import importlib.util
import inspect
import re
import shutil
import subprocess
import sys

import pytest

from scbench.metrics.catalogue import METRICS


def loaded(path):
    """Import a file that is not on the path of modules."""
    spec = importlib.util.spec_from_file_location(f"documented_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate(root):
    return loaded(root / "docs/generate.py")


def test_the_page_of_the_metrics_is_up_to_date(generate, capsys):
    assert generate.main(["--check"]) == 0, capsys.readouterr().out


def test_the_page_leaves_no_placeholder_and_names_every_metric_twice(generate):
    page = generate.expected()
    assert page.count("<!--") == 1, "the first line says where the page comes from"
    for name, metric in METRICS.items():
        assert f"\n| `{name}` | {metric.label} | {metric.group} | {metric.direction} |" in page
        assert re.search(rf"^### .*`{name}`", page, flags=re.MULTILINE)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_range_weakness_and_source(name):
    text = inspect.getdoc(METRICS[name].load())
    for word in ("\nRange: ", "\nWeakness: ", "\nSource: ", "\nParameters\n"):
        assert text.count(word) == 1, f"{name}: {word.strip()}"


def test_a_changed_docstring_changes_the_page(generate, monkeypatch, capsys):
    before = generate.expected()
    monkeypatch.setattr(METRICS["kbet"].load(), "__doc__", "Something else.\n\nRange: 0 to 7.")
    assert "**Range:** 0 to 7." in generate.expected()
    assert generate.expected() != before
    assert generate.main(["--check"]) == 1
    assert "python docs/generate.py" in capsys.readouterr().out


def test_the_worked_example_adds_a_metric_by_a_function_an_entry_and_a_test(root, tmp_path):
    """The blocks of docs/how-to/add-a-metric.md in a copy of the library; nothing else is edited."""
    for folder in ("workflow_scripts", "config", "docs"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    page = (root / "docs/how-to/add-a-metric.md").read_text()
    blocks = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE))
    library = "workflow_scripts/scbench/metrics"
    assert list(blocks) == [f"{library}/purity.py", f"{library}/catalogue.py", "tests/unit/test_purity.py"]
    function, entry, test = blocks.values()
    (tmp_path / library / "purity.py").write_text(function)
    catalogue = (tmp_path / library / "catalogue.py").read_text()
    (tmp_path / library / "catalogue.py").write_text(catalogue.replace("\n)\nMETRICS", f"\n{entry})\nMETRICS"))
    code = f"""{test}
for name, function in list(globals().items()):
    if name.startswith("test_"):
        function()

from pathlib import Path
from scbench.config import load_config
from scbench.metrics.suite import score_embedding
from scbench.report.labels import label
config = load_config(Path("../config"), {{"metrics": {{"bio": ["neighbour_purity"], "batch": [], "extra": []}}}})
X, types = np.random.default_rng(0).standard_normal((60, 4)).astype(np.float32), np.repeat(["a", "b"], 30)
X[types == "a"] += 100
for labels in (types, np.full(60, "")):
    score, = score_embedding(X, pca=X, batch=types, labels=labels, metrics=config["metrics"]).itertuples()
    print(label(score.metric), score.group, score.status, score.value, score.reason, score.implementation, sep="|")
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path / "workflow_scripts", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    scored, unlabelled = (line.split("|") for line in done.stdout.splitlines())
    assert scored[:5] == ["Neighbour purity", "bio", "ok", "1.0", ""]
    assert re.match(r"scbench\.metrics\.purity\.neighbour_purity [0-9a-f]{8}; numpy \S+ faiss-cpu \S+$", scored[5])
    assert [unlabelled[2], unlabelled[4]] == ["not_applicable", "the dataset has no cell types"]
    subprocess.run([sys.executable, tmp_path / "docs/generate.py"], check=True)
    written = (tmp_path / "docs/reference/metrics.md").read_text()
    assert "\n| `neighbour_purity` | Neighbour purity | bio | higher | several cell types |" in written
    assert "\n### `neighbour_purity`\n\nShare of the 14 nearest neighbours" in written


def test_every_fault_of_reliability_names_a_test_that_exists(root):
    page = (root / "docs/reference/reliability.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.endswith("` |")]
    assert len(rows) >= 20
    named = [re.search(r"`([\w/]+\.py)::(test_\w+)` \|$", row) for row in rows]
    named += re.finditer(r"^Test: `([\w/]+\.py)::(test_\w+)`$", page, flags=re.MULTILINE)
    for found in named:
        assert found
        assert f"def {found[2]}(" in (root / "tests" / found[1]).read_text(), found[0]


def test_the_bad_inputs_of_reliability_are_those_that_are_tested(root):
    page = (root / "docs/reference/reliability.md").read_text()
    listed = re.findall(r"^\| (.+?) \| ", page[: page.index("## Faults")], flags=re.MULTILINE)
    lists = ("PARAMETERS", "SETTINGS", "METHODS", "DATASETS", "FILES")
    names = ("test_bad_configuration", "test_inputs", "test_data_report")
    configuration, files, data = (loaded(root / f"tests/unit/{name}.py") for name in names)
    tested = [case.id for name in lists for case in getattr(configuration, name)]
    tested += [*files.CASES, *data.REFUSED, *data.DOUBTFUL]
    assert [case for case in listed if case != "case"] == tested
    assert len(tested) >= 100
