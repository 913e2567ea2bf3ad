"""What a result depends on: code, parameters, seed and files; test_source.py says what of the code counts."""

import ast

import pytest

from scbench import source
from scbench.provenance import code_digest, method_digest, package_versions, run_key

ENTRIES = ("score.py", "scbench.methods.harmony", "scbench.metrics.kbet:kbet")


def test_a_digest_of_several_entries_is_that_of_all_they_reach_in_whatever_order(root):
    units = [unit for entry in ENTRIES for unit in source.entry_units(entry)]
    assert code_digest(*ENTRIES) == code_digest(*reversed(ENTRIES)) == source.digest(source.reachable(units))
    assert len({code_digest(*ENTRIES), *(code_digest(entry) for entry in ENTRIES)}) == 4


def test_the_digest_of_a_method_is_of_the_script_and_of_its_module_and_no_other(root):
    modules = sorted(path.stem for path in (root / "workflow_scripts/scbench/methods").glob("[!_]*.py"))
    digests = {module: method_digest(module) for module in modules}
    assert len(set(digests.values())) == len(modules)
    for module, digest in digests.items():
        units = source.reachable(
            [*source.entry_units("integrate.py"), *source.entry_units(f"scbench.methods.{module}")]
        )
        assert digest == source.digest(units)
        others = [path.stem for path, _ in units if path.parent.name == "methods" and path.stem != "__init__"]
        assert set(others) == {module}


def test_every_script_that_imports_by_a_name_made_at_run_time_is_given_the_module_as_an_entry(root):
    """No import statement shows what `import_module(name)` loads, so the rule has to name it beside the script."""
    dynamic = []
    for path in (root / "workflow_scripts").glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        if any(isinstance(call.func, ast.Name) and call.func.id == "import_module" for call in calls):
            dynamic.append(path.name)
    assert sorted(dynamic) == ["analyse.py", "draw.py", "gather.py"]
    assert 'code_of("draw.py", f"scbench.report.{id}")' in (root / "rules/report.smk").read_text()
    rules = " ".join((root / "rules/analyses.smk").read_text().split())
    assert '"analyse.py", f"scbench.analyses.{id}:analyse", *([f"scbench.report.{id}"] if analysis.draws' in rules
    assert 'code_of("gather.py", f"scbench.report.{id}")' in rules


def test_rules_compute_the_digest_of_their_code_only_when_a_job_needs_it(root):
    given = [
        line.strip()
        for path in (root / "rules").glob("*.smk")
        for line in path.read_text().splitlines()
        if "code=" in line
    ]
    assert len(given) > 20
    assert [line for line in given if not line.startswith(("code=code_of(", "code=lambda wildcards"))] == []


def test_versions_name_what_is_installed_only():
    assert set(package_versions("numpy", "no-such-package")) == {"numpy"}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "dataset.h5ad"
    path.write_bytes(b"cells")
    return path


def test_the_key_of_a_run_changes_with_all_that_its_result_depends_on(data):
    key = run_key("code", {"beta": 1.0, "epochs": None}, 0, data)
    assert key == run_key("code", {"epochs": None, "beta": 1.0}, 0, data)
    others = {
        run_key("new", {"beta": 1.0, "epochs": None}, 0, data),
        run_key("code", {"beta": 1.0}, 0, data),
        run_key("code", {"beta": 1.0, "epochs": 3}, 0, data),
        run_key("code", {"beta": 1.0, "epochs": None}, 1, data),
        run_key("code", {"beta": 1.0, "epochs": None}, 0, data, data),
    }
    data.write_bytes(b"other cells")
    others.add(run_key("code", {"beta": 1.0, "epochs": None}, 0, data))
    assert len(others | {key}) == 7
