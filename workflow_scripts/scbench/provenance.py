"""What a result was made from: digests of the code behind a rule, versions of the packages behind a number."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SCRIPTS = Path(__file__).parent.parent
PACKAGES_OF_METHODS = ("anndata", "numpy", "scipy", "torch", "faiss-cpu", "igraph", "harmonypy")


def code_digest(script: str, *modules: str) -> str:
    """Digest the source of a script, of `modules` (dotted names) and of every scbench module they import.

    Snakemake sees an edit of a script but not of what it imports, so every rule carries this as a parameter. A method
    is imported by its name at run time, which no import statement shows: name its module here.
    """
    files = {SCRIPTS / script} | {_module_file(name) for name in modules}
    todo = list(files)
    while todo:
        for imported in _imports(todo.pop()):
            if imported not in files:
                files.add(imported)
                todo.append(imported)
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(SCRIPTS)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def package_versions(*packages: str) -> dict[str, str]:
    """Return {package: version} of those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def _imports(path: Path) -> frozenset[Path]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == "scbench":
                packages = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
                found.update(file for package in packages if (file := _module_file(package)).exists())
    return frozenset(found)


def _module_file(name: str) -> Path:
    path = SCRIPTS.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def checkpoint_name(dataset: str | Path, code: str, params: Mapping, seed: int, *further: str | Path) -> str:
    """Name the checkpoint of a run after all that its result depends on: an older one is never resumed from."""
    digest = hashlib.sha256(b"".join(Path(path).read_bytes() for path in (dataset, *further)))
    digest.update(json.dumps([code, dict(params), seed], sort_keys=True).encode())
    return f"checkpoint-{digest.hexdigest()[:16]}.pt"
