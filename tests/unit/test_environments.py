"""One set of versions: requirements.txt, envs/*.yaml and what is installed agree, and the code finds its imports."""

import ast
import importlib.util
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow_scripts"
GIVEN_BY_SNAKEMAKE = {"snakemake"}


def _generator():
    spec = importlib.util.spec_from_file_location("generate_environments", ROOT / "envs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _generator()
PINS = generate.read_pins()
ENVIRONMENTS = sorted(generate.read_declaration())


# ---- the versions


def test_environment_files_hold_what_requirements_and_declaration_say():
    drifting = [path.name for path in generate.drifting(generate.expected_files())]
    assert not drifting, f"run `make lock`: {drifting}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_file_is_python_and_pip_from_conda_forge_and_pins_from_pip(name):
    content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    assert content["channels"] == ["conda-forge", "nodefaults"]
    python, pip, pins = content["dependencies"]
    assert (python, pip) == (f"python={generate.PYTHON}.*", "pip")
    assert all(PINS[line.split("==")[0]] == line.split("==")[1] for line in pins["pip"])


def test_every_direct_requirement_is_pinned_within_its_bounds():
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines()]
    for requirement in map(Requirement, filter(None, lines)):
        pin = PINS.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} of requirements.in is not in requirements.txt: run `make lock`"
        assert requirement.specifier.contains(pin), f"{requirement} but pinned at {pin}: run `make lock`"


@pytest.mark.parametrize("name", sorted(PINS))
def test_installed_version_is_the_pinned_one(name):
    installed = version(name)
    assert (installed.split("+")[0] if name == "torch" else installed) == PINS[name]


# ---- the generator


@pytest.mark.parametrize("line", ["numpy", "numpy>=2", "numpy==2.*", "torch==2.13.0+cpu", "a==1\na==2"])
def test_a_line_that_is_no_single_pin_is_refused(tmp_path, line):
    (tmp_path / "requirements.txt").write_text(line)
    with pytest.raises(generate.LockError, match=re.escape(line.splitlines()[-1].split("=")[0])):
        generate.read_pins(tmp_path / "requirements.txt")


def test_closure_follows_extras_and_markers_and_leaves_cuda_to_torch():
    needs = {
        "top": ["Middle_One[fast]>=1", "windows-only; sys_platform == 'win32'", "docs; extra == 'doc'"],
        "middle-one": ["leaf", "quick; extra == 'fast'", "top"],
        "torch": ["leaf", "nvidia-cublas==13", "triton==3"],
    }
    pins = {"top": "1", "middle-one": "2", "leaf": "3", "quick": "4", "torch": "5", "windows-only": "6", "docs": "7"}
    found = generate.closure(["top", "torch"], pins, lambda name: (pins[name] + "+cpu", needs.get(name, [])))
    assert found == {"leaf": "3", "middle-one": "2", "quick": "4", "top": "1", "torch": "5"}
    assert list(found) == sorted(found)


def test_closure_refuses_a_missing_pin_and_metadata_of_another_version():
    with pytest.raises(generate.LockError, match="b, needed by a, has no pin"):
        generate.closure(["a"], {"a": "1"}, lambda name: ("1", ["b"]))
    with pytest.raises(generate.LockError, match="a is installed at 2 but pinned at 1"):
        generate.closure(["a"], {"a": "1"}, lambda name: ("2", []))


def test_drift_is_a_changed_a_missing_or_an_undeclared_file(tmp_path):
    (tmp_path / "changed.yaml").write_text("old")
    (tmp_path / "extra.yaml").write_text("")
    (tmp_path / "same.yaml").write_text("text")
    expected = {tmp_path / f"{name}.yaml": "text" for name in ("changed", "missing", "same")}
    assert [path.stem for path in generate.drifting(expected)] == ["changed", "extra", "missing"]


# ---- the imports


def needed_modules(root: Path, *entries: tuple[Path, str | None]) -> set[str]:
    """Name the third-party modules, and those missing from `root`, that code reachable from `entries` imports.

    An entry is a file and one of its definitions, or None for what runs when the file is loaded. Loading a module of
    `root` runs its top level; a function or class counts once reachable code names it, so an import inside a function
    counts only for scripts that can call it. Imports under `if TYPE_CHECKING` never run and do not count.
    """
    third_party: set[str] = set()
    todo, seen = list(entries), set()
    while todo:
        unit = todo.pop()
        path, definition = unit
        if unit in seen:
            continue
        seen.add(unit)
        definitions, top = _parsed(path)
        names, own = set(), {path}
        for node in definitions[definition] if definition else top:
            for part in _running(node):
                if isinstance(part, ast.Name):
                    names.add(part.id)
                elif isinstance(part, ast.Attribute):
                    names.add(part.attr)
                elif isinstance(part, ast.Import | ast.ImportFrom):
                    for module, imported in _imported(part, path, root):
                        files = _files(module, root)
                        if files:
                            todo += [(file, None) for file in files]
                        elif (root / module.split(".")[0]).exists():
                            third_party.add(module)  # one of ours that is not there
                        elif module.split(".")[0] not in sys.stdlib_module_names:
                            third_party.add(module.split(".")[0])
                        if imported and (path.name == "__init__.py" or part.names[0].asname):
                            names.add(imported)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                own.update(file for module, _ in _imported(node, path, root) for file in _files(module, root))
        for file in own:
            todo += [(file, name) for name in names & set(_parsed(file)[0])]
    return third_party - GIVEN_BY_SNAKEMAKE


@cache
def _parsed(path: Path) -> tuple[dict[str, list], list]:
    definitions: dict[str, list] = {}
    top = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            definitions.setdefault(node.name, []).append(node)
            top += node.decorator_list
        else:
            top.append(node)
    return definitions, top


def _running(node: ast.AST):
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _running(child)


def _imported(node: ast.Import | ast.ImportFrom, path: Path, root: Path) -> list[tuple[str, str | None]]:
    """List (module, imported name); `from package import module` gives the module itself as well."""
    if isinstance(node, ast.Import):
        return [(alias.name, None) for alias in node.names]
    package = list(path.relative_to(root).parts[: -node.level]) if node.level else []
    module = ".".join([*package, *([node.module] if node.module else [])])
    found = [(module, alias.name) for alias in node.names]
    return found + [(f"{module}.{alias.name}", None) for alias in node.names if _files(f"{module}.{alias.name}", root)]


def _files(module: str, root: Path) -> list[Path]:
    """List the files that importing a module of `root` loads, its packages first; empty for anybody else's module."""
    parts = module.split(".")
    files = []
    for length in range(1, len(parts) + 1):
        base = root.joinpath(*parts[:length])
        files += [file for file in (base / "__init__.py", base.with_suffix(".py")) if file.exists()]
    last = root.joinpath(*parts)
    return files if last.with_suffix(".py").exists() or last.is_dir() else []


def test_needed_modules_are_those_of_reachable_code(tmp_path):
    library = tmp_path / "library"
    (library / "inner").mkdir(parents=True)
    (library / "__init__.py").write_text("")
    (library / "tools.py").write_text(
        "import json, numpy.linalg\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import unseen\n"
        "def used():\n    return helper()\n"
        "def helper():\n    from lazy.part import thing\n"
        "def unused():\n    import never\n"
        "class Box:\n    def open(self):\n        import boxed\n"
    )
    (library / "inner" / "__init__.py").write_text("from .deep import dive\n")
    (library / "inner" / "deep.py").write_text("def dive():\n    import depth\ndef other():\n    import never\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import pandas as pd\nfrom library import tools\nfrom library.inner import dive\n"
        "from library.absent import gone\n"
        "tools.used()\ndive()\nsnakemake.input\n"
    )
    assert needed_modules(tmp_path, (script, None)) == {"pandas", "numpy", "lazy", "depth", "library.absent"}
    renaming = tmp_path / "renaming.py"
    renaming.write_text("from library.tools import Box as B\nB().open()\n")
    assert needed_modules(tmp_path, (renaming, None)) == {"numpy", "boxed"}


def script_rules(text: str) -> list[tuple[str, str, str | None]]:
    """List (rule, script, environment) of a file of rules; environment is None where the rule names none."""
    found = []
    for block in re.split(r"(?m)^(?=[ \t]*(?:rule|checkpoint)\b[^\n]*:)", text)[1:]:
        script = re.search(r"(?m)^\s*script:\s*f?[\"']\.\./workflow_scripts/(.+?)[\"']", block)
        conda = re.search(r"(?m)^\s*conda:\s*f?[\"']\.\./envs/(.+?)\.yaml[\"']", block)
        if script:
            name = re.match(r"\s*\w+\s*(\w*)", block)[1] or f"(anonymous, {script[1]})"
            found.append((name, script[1], conda and conda[1]))
    return found


def test_script_rules_are_read_from_named_and_anonymous_rules():
    text = (
        "rule one:\n    input:\n        'x',\n    conda:\n        \"../envs/data.yaml\"\n"
        "    script:\n        '../workflow_scripts/one.py'\n\n"
        "for id_, spec in METHODS.items():\n\n    rule:\n        name:\n            f'integrate_{id_}'\n"
        '        script: "../workflow_scripts/integrate.py"\n        conda: f"../envs/{spec.env}.yaml"\n'
        "rule shell_only:\n    shell: 'true'\ncheckpoint bare:\n    script: \"../workflow_scripts/b.py\"\n"
    )
    assert script_rules(text) == [
        ("one", "one.py", "data"),
        ("(anonymous, integrate.py)", "integrate.py", "{spec.env}"),
        ("bare", "b.py", None),
    ]


def _rules() -> list[tuple[str, str, str | None]]:
    return [rule for path in sorted((ROOT / "rules").glob("*.smk")) for rule in script_rules(path.read_text())]


def _uses() -> list[tuple[str, str, dict | None]]:
    """List (script, environment, method) of all rules; a rule per method takes the environment of each method."""
    methods = yaml.safe_load((ROOT / "config" / "methods.yaml").read_text())["methods"]
    uses = []
    for _, script, environment in _rules():
        if environment is not None and "{" in environment:
            uses += [(script, entry["env"], {"module": name, **entry}) for name, entry in methods.items()]
        elif environment is not None:
            uses.append((script, environment, None))
    return uses


def test_every_rule_with_a_script_names_an_environment():
    if (ROOT / "Snakefile").exists():
        assert _rules(), "no rule with a script was found in rules/*.smk"
    nameless = [rule for rule, _, environment in _rules() if environment is None]
    assert not nameless, f"give these rules `conda:`: {nameless}"


@pytest.mark.parametrize(
    ("script", "environment", "method"),
    [pytest.param(*use, id=f"{use[0]}-{use[2]['module'] if use[2] else use[1]}") for use in _uses()],
)
def test_environment_provides_what_its_scripts_import(script, environment, method):
    needed = needed_modules(SCRIPTS, (SCRIPTS / script, None))
    if method:
        if not method["trained"] and not method["gpu"]:
            needed -= {"torch"}  # integrate.py turns to it to save weights and to look for a GPU, and here does neither
        module = SCRIPTS / "scbench" / "methods" / f"{method['module']}.py"
        needed |= needed_modules(SCRIPTS, (module, None), (module, "integrate"))
    content = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text())
    provided = {line.split("==")[0] for line in content["dependencies"][-1]["pip"]}
    distributions = packages_distributions()
    missing = {
        module
        for module in needed
        if not provided & {canonicalize_name(name) for name in distributions.get(module, [module])}
    }
    where = f"neither workflow_scripts nor [{environment}] of envs/environments.toml has"
    assert not missing, f"{script} imports what {where}: {sorted(missing)}"
