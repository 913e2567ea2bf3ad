"""A copy of the project that may be edited, and Snakemake run in it as a user would."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

PARTS = ("Snakefile", "rules", "workflow_scripts", "envs", "config", "profiles", "report")
IGNORED = shutil.ignore_patterns("__pycache__")


MADE_BY_A_RUN = {"finished", "example"}  # fixtures that run the workflow


def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and MADE_BY_A_RUN & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Project:
    """A copy of the workflow with a configuration of its own, tiny.yaml."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def snakemake(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        return subprocess.run(command, cwd=folder or self.folder, capture_output=True, text=True, env=environment())

    def start(self, *arguments: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen:
        """Start it in a process group of its own; what it prints is dropped or, with `subprocess.PIPE`, kept."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        streams = {"stdout": stdout, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=environment(), start_new_session=True, **streams)

    def plan(self, *arguments: str) -> dict[str, int]:
        """{rule: number of jobs} that Snakemake would execute when called with these arguments."""
        done = self.snakemake(*arguments, "-n", "--quiet", "rules")
        assert done.returncode == 0, done.stdout + done.stderr
        return jobs_of(done.stdout + done.stderr)

    def run(self, *arguments: str, more: dict | None = None) -> str:
        """Run it with tiny.yaml and, merged over it, `more`; return what it printed."""
        (self.folder / "more.yaml").write_text(yaml.safe_dump(more or {}))
        done = self.snakemake(*arguments, "--configfile", "tiny.yaml", "more.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def planned(self, more: dict | None = None, *targets: str) -> dict[str, int]:
        """{rule: number of jobs} that a run would execute."""
        return jobs_of(self.run(*targets, "-n", "--quiet", "rules", more=more))

    def scbench(self, *arguments: str) -> str:
        """Run the command line; return what it printed."""
        command = [sys.executable, "-m", "scbench.cli", *arguments]
        paths = {"PYTHONPATH": str(self.folder / "workflow_scripts")}
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=environment() | paths)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configure(self, config: dict) -> None:
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump(config))


def jobs_of(output: str) -> dict[str, int]:
    """{rule: number of jobs} of the output of a dry run."""
    rows = (line.split() for line in output.splitlines())
    return {
        row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit() and row[0] not in ("job", "total")
    }


def environment() -> dict:
    """The user's environment, where snakemake finds its own Python first; one thread, as tests run side by side."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}


def copy_project(root: Path, folder: Path) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = root / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=IGNORED)
        else:
            shutil.copy(source, folder / part)
    return Project(folder)


@pytest.fixture(scope="module")
def new_project(root, tmp_path_factory):
    """Make a copy of the project."""
    return lambda: copy_project(root, tmp_path_factory.mktemp("project") / "benchmark")


@pytest.fixture(scope="module")
def project(new_project) -> Project:
    return new_project()
