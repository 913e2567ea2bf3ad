"""Find the code that a piece of code can reach, by static analysis.

The unit is a definition: a top-level function or class, or the rest of the module, which runs when the module is
loaded. A definition counts as reachable as soon as reachable code mentions its name, so the result may contain too much
but not too little.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parent.parent
Unit = tuple[Path, str | None]  # a file and a definition in it; None: the code that runs on import


def entry_units(entry: str, root: Path = SCRIPTS) -> list[Unit]:
    """Turn `script.py`, `package.module` (all of it) or `package.module:definition` into units.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or no such definition in it.
    """
    name, _, definition = entry.partition(":")
    path = root / name if name.endswith(".py") else root.joinpath(*name.split(".")).with_suffix(".py")
    definitions = _parsed(path)[0]
    if definition and definition not in definitions:
        raise ValueError(f"{entry}: {path} defines no {definition}")
    return [(path, None), *((path, one) for one in ([definition] if definition else definitions))]


def reachable(units: list[Unit], root: Path = SCRIPTS) -> frozenset[Unit]:
    """Return all units of `root` that running `units` can reach.

    Loading a module runs its top level and that of its packages. Imports inside a function count once the function is
    reached; imports under `if TYPE_CHECKING` never count. Modules imported dynamically are not found and must be given
    as units.
    """
    todo, seen = list(units), set()
    while todo:
        unit = todo.pop()
        if unit in seen:
            continue
        seen.add(unit)
        todo += _next(unit, root) - seen
    return frozenset(seen)


def third_party(units: frozenset[Unit], root: Path = SCRIPTS) -> set[str]:
    """Return top-level names of third-party modules that `units` import, and modules missing from `root`."""
    return set().union(*(_used(*unit, root)[2] for unit in units)) if units else set()


def digest(units: frozenset[Unit], root: Path = SCRIPTS) -> str:
    """Return a digest of the units' syntax trees without docstrings and comments: 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(sorted(_unit_digest(*unit, root) for unit in units)).encode()).hexdigest()[:16]


@cache
def _next(unit: Unit, root: Path) -> frozenset[Unit]:
    """Return the units that running one unit can reach directly."""
    names, files, _ = _used(*unit, root)
    named = ((file, names & _parsed(file)[0].keys()) for file in {unit[0], *_imported_files(unit[0], root)})
    return frozenset([*((file, None) for file in files), *((file, name) for file, found in named for name in found)])


@cache
def _unit_digest(path: Path, definition: str | None, root: Path) -> str:
    return (
        f"{path.relative_to(root)}:{definition or ''} {hashlib.sha256(_syntax(path, definition).encode()).hexdigest()}"
    )


@cache
def _parsed(path: Path) -> tuple[dict[str, list[ast.stmt]], list[ast.stmt]]:
    """Return the definitions of a module by name, and the statements that run when it is loaded."""
    definitions: dict[str, list[ast.stmt]] = {}
    top: list[ast.stmt] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            definitions.setdefault(node.name, []).append(node)
            top += [ast.Expr(decorator) for decorator in node.decorator_list]
        elif not _is_for_type_checkers(node):
            top.append(node)
    return definitions, top


@cache
def _nodes(path: Path, definition: str | None) -> list[ast.stmt]:
    definitions, top = _parsed(path)
    return top if definition is None else definitions.get(definition, [])


def _syntax(path: Path, definition: str | None) -> str:
    return "\n".join(ast.dump(_without_docstrings(node)) for node in _nodes(path, definition) if not _is_text(node))


def _without_docstrings(node: ast.stmt) -> ast.stmt:
    for part in ast.walk(node):
        body = getattr(part, "body", None)
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and body and _is_text(body[0]):
            part.body = body[1:]
    return node


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


@cache
def _used(path: Path, definition: str | None, root: Path) -> tuple[frozenset[str], frozenset[Path], frozenset[str]]:
    """Return the names that a unit mentions, the files of `root` that it loads, and other modules that it imports."""
    names, elsewhere = set(), set()
    files: set[Path] = set()
    for node in _nodes(path, definition):
        for part in _running(node):
            if isinstance(part, ast.Name):
                names.add(part.id)
            elif isinstance(part, ast.Attribute):
                names.add(part.attr)
            elif isinstance(part, ast.Import | ast.ImportFrom):
                for module, imported in _imported(part, path, root):
                    found = _files(module, root)
                    files.update(found)
                    first = module.split(".")[0]
                    if not found and (root / first).exists():
                        elsewhere.add(module)  # a module of `root` that does not exist
                    elif not found and first not in sys.stdlib_module_names:
                        elsewhere.add(first)
                    if imported and (path.name == "__init__.py" or part.names[0].asname):
                        names.add(imported)
    return frozenset(names), frozenset(files), frozenset(elsewhere)


@cache
def _imported_files(path: Path, root: Path) -> frozenset[Path]:
    """Return the files of `root` that a file imports anywhere."""
    definitions, top = _parsed(path)
    statements = [*top, *(node for nodes in definitions.values() for node in nodes)]
    parts = (part for node in statements for part in ast.walk(node) if isinstance(part, ast.Import | ast.ImportFrom))
    return frozenset(
        file for part in parts for module, _ in _imported(part, path, root) for file in _files(module, root)
    )


def _running(node: ast.AST) -> Iterator[ast.AST]:
    todo = [node]
    while todo:
        one = todo.pop()
        if not _is_for_type_checkers(one):
            yield one
            todo += ast.iter_child_nodes(one)


def _imported(node: ast.Import | ast.ImportFrom, path: Path, root: Path) -> list[tuple[str, str | None]]:
    """Return (module, imported name) pairs; `from package import module` also gives the module itself."""
    if isinstance(node, ast.Import):
        return [(alias.name, None) for alias in node.names]
    package = list(path.relative_to(root).parts[: -node.level]) if node.level else []
    module = ".".join([*package, *([node.module] if node.module else [])])
    found: list[tuple[str, str | None]] = [(module, alias.name) for alias in node.names]
    return found + [(f"{module}.{alias.name}", None) for alias in node.names if _files(f"{module}.{alias.name}", root)]


@cache
def _files(module: str, root: Path) -> tuple[Path, ...]:
    """Return the files loaded by importing a module of `root`, its packages first; empty for other modules."""
    parts = module.split(".")
    found: list[Path] = []
    for length in range(1, len(parts) + 1):
        base = root.joinpath(*parts[:length])
        found += [file for file in (base / "__init__.py", base.with_suffix(".py")) if file.exists()]
    last = root.joinpath(*parts)
    return tuple(found) if last.with_suffix(".py").exists() or last.is_dir() else ()
