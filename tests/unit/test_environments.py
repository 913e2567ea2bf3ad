"""One set of versions: requirements.txt, envs/*.yaml and what is installed agree, and the code finds its imports."""

import importlib.util
import inspect
import re
import runpy
import threading
from importlib.metadata import packages_distributions, version
from pathlib import Path
from types import SimpleNamespace

import pytest
import snakemake.benchmark
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from snakemake.scheduling.job_scheduler import JobScheduler

from scbench.analyses.catalogue import ANALYSES
from scbench.config import load_config
from scbench.metrics.catalogue import METRICS
from scbench.source import entry_units, reachable, third_party

ROOT = Path(__file__).parents[2]
OPTIONAL_OF_PANDAS = {".read_excel(": "openpyxl", ".read_parquet(": "pyarrow", ".to_markdown(": "tabulate"}


def _generator():
    spec = importlib.util.spec_from_file_location("generate_environments", ROOT / "envs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _generator()
PINS = generate.read_pins(*generate.REQUIREMENTS)
OPTIONAL = generate.read_pins(generate.REQUIREMENTS[1])
ENVIRONMENTS = sorted(generate.read_declaration())


def skip_without(packages) -> None:
    missing = [package for package in packages if package in OPTIONAL and not generate.is_installed(package)]
    if missing:
        pytest.skip(f"{missing[0]} is not installed; run `make reference`")


# ---- the versions


def test_reference_packages_add_to_the_other_packages_and_change_none():
    ours = generate.read_pins(generate.REQUIREMENTS[0])
    assert not ours.keys() & OPTIONAL.keys()
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements-reference.in").read_text().splitlines()]
    assert all(OPTIONAL[canonicalize_name(one.name)] in one.specifier for one in map(Requirement, filter(None, lines)))


def test_environment_files_hold_what_requirements_and_declaration_say():
    drifting = [path.name for path in generate.drifting(generate.expected_files())]
    assert not drifting, f"run `make lock`: {drifting}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_file_is_python_and_pip_from_conda_forge_and_pins_from_pip(name):
    content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    # `nodefaults` would be wrong here: conda 26 looks for a channel of this name, and no environment can be made.
    assert content["channels"] == ["conda-forge"]
    python, pip, pins = content["dependencies"]
    assert (python, pip) == (f"python={generate.PYTHON}.*", "pip")
    assert all(PINS[line.split("==")[0]] == line.split("==")[1] for line in pins["pip"])


def test_every_direct_requirement_is_pinned_within_its_bounds():
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines()]
    for requirement in map(Requirement, filter(None, lines)):
        pin = PINS.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} of requirements.in is not in requirements.txt: run `make lock`"
        assert requirement.specifier.contains(pin), f"{requirement} but pinned at {pin}: run `make lock`"


@pytest.mark.parametrize("path", generate.REQUIREMENTS, ids=lambda path: path.name)
def test_every_pin_but_torch_has_hashes(path):
    entries = re.split(r"\n(?=\S)", (ROOT / "envs/hashes" / path.name).read_text().strip())
    hashed = {entry.split(" ", 1)[0] for entry in entries if re.search(r"--hash=sha256:[0-9a-f]{64}", entry)}
    pins = {f"{name}=={pin}" for name, pin in generate.read_pins(path).items() if name != "torch"}
    assert hashed == pins, "run `make lock`"


@pytest.mark.parametrize("name", sorted(PINS))
def test_installed_version_is_the_pinned_one(name):
    if name in OPTIONAL:
        skip_without([name])
    installed = version(name)
    assert (installed.split("+")[0] if name == "torch" else installed) == PINS[name]


@pytest.fixture
def repaired(monkeypatch):
    """What rules/repairs.smk defines, until the end of the test."""
    measured = snakemake.benchmark.benchmarked.__wrapped__
    monkeypatch.setattr(measured, "__defaults__", measured.__defaults__)
    monkeypatch.setattr(JobScheduler, "_schedule_reevalutation", JobScheduler._schedule_reevalutation)
    return runpy.run_path(str(ROOT / "rules/repairs.smk"))


def test_snakemake_takes_the_interval_of_its_measurements_where_the_workflow_sets_it(repaired):
    parameters = inspect.signature(snakemake.benchmark.benchmarked).parameters
    assert {name: one.default for name, one in parameters.items()} == {
        "pid": None,
        "benchmark_record": None,
        "interval": 1,
    }


def test_the_scheduler_waits_with_one_timer_at_a_time(repaired):
    assert JobScheduler._schedule_reevalutation is repaired["look_for_jobs_later"]
    scheduler = SimpleNamespace(_open_jobs=threading.Semaphore(0))
    for _ in range(2):  # after the first timer another one may start
        for _ in range(5):
            JobScheduler._schedule_reevalutation(scheduler, 0.01)
        assert scheduler._open_jobs.acquire(timeout=10)
        assert not scheduler._open_jobs.acquire(timeout=0.1)


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


def test_drift_is_a_changed_a_missing_or_a_generated_file_that_is_no_longer_declared(tmp_path):
    (tmp_path / "changed.yaml").write_text("old")
    (tmp_path / "extra.yaml").write_text(generate.render({"numpy": "2"}))
    (tmp_path / "of_somebody_else.yaml").write_text("dependencies: [python]")
    (tmp_path / "same.yaml").write_text("text")
    expected = {tmp_path / f"{name}.yaml": "text" for name in ("changed", "missing", "same")}
    assert [path.stem for path in generate.drifting(expected)] == ["changed", "extra", "missing"]


# ---- the imports


def script_rules(text: str) -> list[tuple[str, str, str | None]]:
    """List (rule, script, environment) of a file of rules; environment is None where the rule names none."""
    found = []
    for block in re.split(r"(?m)^(?=[ \t]*(?:rule|checkpoint)[ \t]*\w*[ \t]*:)", text)[1:]:
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
        "        params:\n            checkpoint=lambda wildcards: 'x',\n"
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


def _uses() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """List (what, script, environment, what the script imports by a name made at run time) of all rules."""
    methods = load_config(ROOT / "config", {})["methods"]
    uses = []
    for _, script, environment in _rules():
        if script == "integrate.py":
            assert environment == "{method.env}"
            for name, entry in methods.items():
                uses.append((name, script, entry["env"], (f"scbench.methods.{name}",)))
        elif script == "analyse.py":
            for name, analysis in ANALYSES.items():
                drawn = (f"scbench.report.{name}:draw_run",) if analysis.draws else ()
                uses.append((name, script, environment, (f"scbench.analyses.{name}:analyse", *drawn)))
        elif script == "gather.py":
            for name, analysis in ANALYSES.items():
                if analysis.gathers:
                    uses.append((name, script, environment, (f"scbench.report.{name}:gather",)))
        elif script == "score.py":
            uses.append(("all", script, environment, tuple(metric.function for metric in METRICS.values())))
        else:
            uses.append((str(environment), script, environment, ()))
    return uses


ON_REQUEST = {"scib_metrics"}  # metrics.backend asks for it and says so where it is missing


def imported_by(script: str, loaded: tuple[str, ...]) -> set[str]:
    """Modules from elsewhere that a script can import, also those that pandas imports when it is asked to."""
    units = reachable([unit for entry in (script, *loaded) for unit in entry_units(entry)])
    text = "".join(path.read_text() for path, _ in units)
    return third_party(units) - ON_REQUEST | {module for call, module in OPTIONAL_OF_PANDAS.items() if call in text}


def test_every_rule_with_a_script_names_an_environment():
    assert len(_rules()) > 10
    nameless = [rule for rule, _, environment in _rules() if environment is None]
    assert not nameless, f"give these rules `conda:`: {nameless}"


@pytest.mark.parametrize(
    ("script", "environment", "loaded"), [pytest.param(*use, id=f"{use[0]}-{what}") for what, *use in _uses()]
)
def test_environment_provides_what_its_scripts_import(script, environment, loaded):
    skip_without(generate.read_declaration()[environment])
    needed = imported_by(script, loaded)
    if script == "integrate.py":
        method = load_config(ROOT / "config", {})["methods"][loaded[0].split(".")[-1]]
        if not method["trained"] and not method["gpu"]:
            needed -= {"torch"}  # integrate.py turns to it to save weights and to look for a GPU, and here does neither
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


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_environment_declares_nothing_that_its_scripts_do_not_import(environment):
    """Packages that nothing imports leave their environments; what a package needs itself comes along anyway."""
    skip_without(generate.read_declaration()[environment])
    used = set().union(*(imported_by(script, loaded) for _, script, env, loaded in _uses() if env == environment))
    distributions = packages_distributions()
    imported = {canonicalize_name(name) for module in used for name in distributions[module]}
    unused = {canonicalize_name(name) for name in generate.read_declaration()[environment]} - imported
    assert not unused, f"no script of [{environment}] of envs/environments.toml imports {sorted(unused)}"
