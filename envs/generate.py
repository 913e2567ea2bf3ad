"""Write envs/<name>.yaml: the packages of environments.toml and their dependencies, pinned as in requirements*.txt.

python envs/generate.py            writes the files
python envs/generate.py --check    exits 1 and names the files that differ from what it would write
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENVS = Path(__file__).parent
REQUIREMENTS = (ENVS.parent / "requirements.txt", ENVS.parent / "requirements-reference.txt")
DECLARATION = ENVS / "environments.toml"
PYTHON = "3.11"
# Fixed, so that the files do not depend on the machine that generates them.
TARGET = {
    "implementation_name": "cpython",
    "implementation_version": f"{PYTHON}.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": f"{PYTHON}.0",
    "python_version": PYTHON,
    "sys_platform": "linux",
}
# The CUDA build of torch pins these exactly and the CPU build does not need them, so they are left to torch.
TORCH_OWN = ("cuda-", "nvidia-", "triton")
MARK = "# Written by envs/generate.py from envs/environments.toml and requirements.txt; do not edit, run `make lock`.\n"
HEAD = f"""\
{MARK}channels:
  - conda-forge
dependencies:
  - python={PYTHON}.*
  - pip
  - pip:
"""


class LockError(ValueError):
    """Pins, declaration and installed packages are inconsistent; the message says which and how to fix it."""


def read_pins(*paths: Path) -> dict[str, str]:
    """Read {normalised package name: version} from requirements files in which every line is `name==version`.

    Raises
    ------
    LockError
        If a line does not pin a single version, pins a local version (`+cpu`), or repeats a package.
    """
    pins: dict[str, str] = {}
    for path, line in [(file, line) for file in paths for line in file.read_text().splitlines()]:
        text = line.split("#")[0].strip()
        if not text:
            continue
        requirement = Requirement(text)
        name, specifiers = canonicalize_name(requirement.name), list(requirement.specifier)
        exact = len(specifiers) == 1 and specifiers[0].operator == "==" and not set("*+") & set(specifiers[0].version)
        if not exact or requirement.extras or requirement.marker or requirement.url:
            raise LockError(f"{path.name}: '{text}' is not of the form name==version")
        if name in pins:
            raise LockError(f"{path.name}: {name} stands twice")
        pins[name] = specifiers[0].version
    return pins


def installed_requirements(name: str) -> tuple[str, list[str]]:
    """Return the version of an installed package and its declared requirements."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        raise LockError(f"{name} is not installed here: install requirements.txt, then run this again") from None
    return found.version, found.requires or []


def closure(
    direct: Iterable[str],
    pins: Mapping[str, str],
    requirements: Callable[[str], tuple[str, list[str]]] = installed_requirements,
) -> dict[str, str]:
    """Return the pins of `direct` and all their dependencies, sorted by name.

    Raises
    ------
    LockError
        If a dependency has no pin, or the installed version, whose metadata is used, differs from the pinned one.
    """
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(Requirement(text), "envs/environments.toml") for text in direct]
    while todo:
        requirement, asked_by = todo.pop()
        name = canonicalize_name(requirement.name)
        if asked_by == "torch" and name.startswith(TORCH_OWN):
            continue
        if name not in pins:
            raise LockError(f"{name}, needed by {asked_by}, has no pin in requirements*.txt: run `make lock`")
        version, needs = requirements(name)
        if version.split("+")[0] != pins[name]:
            raise LockError(f"{name} is installed at {version} but pinned at {pins[name]}: install requirements.txt")
        found[name] = pins[name]
        for extra in {"", *requirement.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for need in map(Requirement, needs):
                if need.marker is None or need.marker.evaluate({**TARGET, "extra": extra}):
                    todo.append((need, name))
    return dict(sorted(found.items()))


def read_declaration(path: Path = DECLARATION) -> dict[str, list[str]]:
    """Read {environment: its direct packages}."""
    return {name: entry["packages"] for name, entry in tomllib.loads(path.read_text()).items()}


def render(pins: Mapping[str, str]) -> str:
    """Return the text of a conda environment file: Python and pip from conda-forge, `pins` from pip."""
    return HEAD + "".join(f"      - {name}=={version}\n" for name, version in pins.items())


def is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def expected_files(folder: Path = ENVS) -> dict[Path, str]:
    """Return the expected {path: text} of every environment file.

    A file with packages that only requirements-reference.txt pins, and that are not installed here, stays as it is.
    """
    pins, optional = read_pins(*REQUIREMENTS), read_pins(REQUIREMENTS[1])
    expected = {}
    for name, direct in read_declaration().items():
        path = folder / f"{name}.yaml"
        known = all(is_installed(package) for package in direct if package in optional)
        expected[path] = render(closure(direct, pins)) if known or not path.exists() else path.read_text()
    return expected


def drifting(expected: Mapping[Path, str]) -> list[Path]:
    """List the files that are missing, outdated or no longer declared.

    Files that this script did not write are environments of external packages and are ignored.
    """
    wrong = [path for path, text in expected.items() if not path.exists() or path.read_text() != text]
    present = {path for folder in {path.parent for path in expected} for path in folder.glob("*.yaml")}
    return sorted([*wrong, *(path for path in present - set(expected) if path.read_text().startswith(MARK))])


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        expected = expected_files()
    except LockError as error:
        print(f"envs/generate.py: {error}", file=sys.stderr)
        return 1
    if arguments:
        wrong = drifting(expected)
        for path in wrong:
            print(f"envs/{path.name} is not what requirements.txt and environments.toml say: run `make lock`")
        return 1 if wrong else 0
    for path in drifting(expected):
        if path in expected:
            path.write_text(expected[path])
            print(f"wrote envs/{path.name}")
        else:
            path.unlink()
            print(f"removed envs/{path.name}, which environments.toml does not declare")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
