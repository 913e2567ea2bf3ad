"""A Slurm cluster on this machine, and a copy of the project that sends its jobs there."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "slurm.sh"
FOLDER = Path(os.environ.get("SLURM_TEST_FOLDER", "/tmp/slurm-test"))
PARTS = ("Snakefile", "rules", "workflow_scripts", "envs", "config", "profiles", "report")
# This cluster has no accounting, and its jobs are short.
HERE = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10"]


@pytest.fixture(scope="session")
def slurm():
    """Start Slurm; stop it at the end."""
    if os.environ.get("SCBENCH_TEST_CLUSTER") != "1":
        pytest.skip("starts a Slurm on this machine, as root: make test-cluster")
    started = subprocess.run([SCRIPT, "start"], capture_output=True, text=True)
    assert started.returncode == 0, started.stdout + started.stderr
    yield FOLDER
    subprocess.run([SCRIPT, "stop"], check=True)


@dataclass(frozen=True)
class Benchmark:
    """A copy of the project with a configuration, run with profiles/slurm or on this machine."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def method(self, name: str, body: str, **entry) -> dict:
        """Write a method that does what `body` says and returns the PCA; return its entry."""
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        head = f'"""{name}"""\n\nfrom scbench.types import Embedding\n\n\n'
        head += "def integrate(data, *, seed, device, threads):\n"
        path = self.folder / f"workflow_scripts/scbench/methods/{name}.py"
        path.write_text(f"{head}{lines}\n    return Embedding(X=data.X)\n")
        entry = {"mem_mb": 1200, "runtime": 30} | entry
        return {"label": name, "input": "pca", "env": "embed", "gpu": 0, "trained": False, "stochastic": False} | entry

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "SCBENCH_STAND_IN_GPU": "1"}

    def command(self, *arguments: str) -> list[str]:
        profile = ["--configfile", "tiny.yaml", "--workflow-profile", "profiles/slurm"]
        return [sys.executable, "-m", "snakemake", *profile, *HERE, *arguments]

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run it on the cluster; return the exit status and the output."""
        command = self.command(*arguments)
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        print(done.stdout + done.stderr)  # shown with -s, and where a test fails
        return done.returncode, done.stdout + done.stderr

    def start(self, *arguments: str) -> subprocess.Popen:
        with (self.folder / "output.txt").open("w") as output:
            command = self.command(*arguments)
            return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=output, stderr=output)

    def wait_for(self, what: Callable[[], object], seconds: float = 600) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.5)

    def printed(self) -> str:
        """Return what the execution that was started last has printed so far."""
        return (self.folder / "output.txt").read_text()

    def configure(self, config: dict) -> None:
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump(config))

    def coverage(self) -> pd.DataFrame:
        table = pd.read_csv(self.results / "summary/coverage.tsv", sep="\t", keep_default_na=False)
        return table.set_index("method")

    def jobs(self) -> pd.DataFrame:
        """Return Slurm's record of the jobs of the last start: rule, job, and its state and node."""
        log = max((self.folder / ".snakemake/log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        submitted = re.findall(r"SLURM jobid (\d+) \(log: \S*/rule_(\w+)/", log.read_text())
        lines = (dict(re.findall(r"(\w+)=(\S*)", line)) for line in (FOLDER / "completed").read_text().splitlines())
        done = {line["JobId"]: line for line in lines}
        rows = [(rule, job, done[job]["JobState"], done[job]["NodeList"]) for job, rule in submitted if job in done]
        return pd.DataFrame(rows, columns=["rule", "job", "state", "node"])


@pytest.fixture
def benchmark(slurm, tmp_path) -> Benchmark:
    ignored = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part, **({"ignore": ignored} if (ROOT / part).is_dir() else {}))
    return Benchmark(tmp_path)
