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

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start it in a process group of its own."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self.folder, env=environment(), start_new_session=True, **streams)

    def run(self, *arguments: str, more: dict | None = None) -> str:
        """Run it with tiny.yaml and, merged over it, `more`; return what it printed."""
        (self.folder / "more.yaml").write_text(yaml.safe_dump(more or {}))
        done = self.snakemake(*arguments, "--configfile", "tiny.yaml", "more.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def planned(self, more: dict | None = None, *targets: str) -> dict[str, int]:
        """{rule: number of jobs} that a run would execute."""
        jobs = {}
        for line in self.run(*targets, "-n", "--quiet", "rules", more=more).splitlines():
            words = line.split()
            if len(words) == 2 and words[1].isdigit() and words[0] not in ("job", "total"):
                jobs[words[0]] = int(words[1])
        return jobs

    def scbench(self, *arguments: str) -> str:
        """Run the command line; return what it printed."""
        command = [sys.executable, "-m", "scbench.cli", *arguments]
        paths = {"PYTHONPATH": str(self.folder / "workflow_scripts")}
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=environment() | paths)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configure(self, config: dict) -> None:
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump(config))


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
def project(root, tmp_path_factory) -> Project:
    return copy_project(root, tmp_path_factory.mktemp("project") / "benchmark")
