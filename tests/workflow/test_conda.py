"""With `--use-conda` a rule runs in its environment of envs/, and finds there everything it imports, as pinned.

conda itself is played by tests/workflow/conda_standin, a test double that makes a venv from the `pip:` pins.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

pytestmark = [
    pytest.mark.conda,
    pytest.mark.skipif(
        os.environ.get("SCBENCH_TEST_CONDA") != "1",
        reason="makes every environment of envs/ (some minutes, 3 GB): set SCBENCH_TEST_CONDA=1",
    ),
]

ROOT = Path(__file__).parents[2]
STANDIN = Path(__file__).parent / "conda_standin" / "bin"
CUDA = ("cuda-", "nvidia-", "triton")  # what the CUDA build of torch brings along
COMES_WITH_VENV = {"pip", "setuptools"}

SNAKEFILE = """
rule report:
    output:
        "{environment}.json",
    params:
        modules=MODULES,
    conda:
        "ENVS/{environment}.yaml"
    script:
        "report.py"
"""
SCRIPT = """
import importlib, json, sys
from importlib.metadata import distributions

names = snakemake.params.modules[snakemake.wildcards.environment]
loaded = {name: importlib.import_module(name) for name in names}
modules = {name: module.__file__ or list(module.__path__)[0] for name, module in loaded.items()}
found = distributions(path=[path for path in sys.path if path.startswith(sys.prefix)])
versions = {one.metadata["Name"]: one.version for one in found}
with open(snakemake.output[0], "w") as file:
    json.dump({"prefix": sys.prefix, "modules": modules, "versions": versions}, file)
"""


def _declaration():
    spec = importlib.util.spec_from_file_location("generate_environments", ROOT / "envs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    return generate.read_declaration()


DIRECT = _declaration()


def _modules(packages):
    """Name the importable modules of packages, by what is installed beside the tests."""
    wanted = {canonicalize_name(package) for package in packages}
    modules = packages_distributions().items()
    return sorted(
        module
        for module, names in modules
        if wanted & {canonicalize_name(name) for name in names} and re.fullmatch(r"[a-z]\w*", module)
    )


@pytest.fixture
def workdir(tmp_path):
    (tmp_path / "Snakefile").write_text(
        f"MODULES = { ({name: _modules(packages) for name, packages in DIRECT.items()})!r}\n"
        + SNAKEFILE.replace("ENVS", str(ROOT / "envs"))
    )
    (tmp_path / "report.py").write_text(SCRIPT)
    yield tmp_path
    shutil.rmtree(tmp_path / ".snakemake", ignore_errors=True)


def snakemake(workdir, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--use-conda", "--cores", "1", *arguments],
        cwd=workdir,
        env={
            **os.environ,
            "PATH": os.pathsep.join([str(STANDIN), str(Path(sys.executable).parent), os.environ["PATH"]]),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("environment", sorted(DIRECT))
def test_rule_runs_in_its_environment_with_exactly_the_pinned_versions(workdir, environment):
    done = snakemake(workdir, f"{environment}.json")
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads((workdir / f"{environment}.json").read_text())

    assert Path(report["prefix"]).resolve().is_relative_to((workdir / ".snakemake" / "conda").resolve())
    # Snakemake lets a job see the workflow's own packages behind its environment's: nothing may come from there.
    elsewhere = {name: file for name, file in report["modules"].items() if not file.startswith(report["prefix"])}
    assert not elsewhere, f"not in the environment: {elsewhere}"

    lines = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text())["dependencies"][-1]["pip"]
    pins = dict(line.split("==") for line in lines)
    installed = {canonicalize_name(name): version for name, version in report["versions"].items()}
    if "torch" in installed:
        installed["torch"] = installed["torch"].split("+")[0]
    unpinned = {name for name in installed if name not in pins and not name.startswith(CUDA)}
    assert unpinned <= COMES_WITH_VENV
    assert {name: installed.get(name) for name in pins} == pins
