"""Files of the results that are whole: atomic writes, digests of content, and files that are set aside.

The SHA-256 of `scores.tsv` stands in `.scores.tsv.sha256` beside it, in the format of `sha256sum`. If a file does not
have the content that was written, or violates its contract, it gets a second name, `scores.tsv.broken`, and the reason
is written to `scores.tsv.broken.txt`. At the end of a start `remove_broken` removes the first name, so that the next
start makes the file again. Until then other jobs that read the file find the same problem, not a missing file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import TypeVar

from scbench.types import ConfigError, ContractError

Key = TypeVar("Key", bound=Hashable)
Content = TypeVar("Content")


class BrokenFileError(ContractError):
    """A file of the results is damaged, was edited or belongs elsewhere; `file` is its path."""

    def __init__(self, file: str | Path, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = Path(file)


@contextmanager
def atomic(path: str | Path, *, with_digest: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` at the end, or remove it after an error.

    What killed processes of this machine left of the same file is removed. With a digest of its content beside it,
    later steps find out whether they read what was written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield partial
        digest = f"{_digest(partial)}  {path.name}\n" if with_digest else None
        _digest_file(path).unlink(missing_ok=True)  # a job killed here leaves a file without a digest, not a wrong one
        os.replace(partial, path)
        if digest:
            _digest_file(path).write_text(digest)
    finally:
        partial.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    for partial in path.parent.glob(f".*.{escape(path.name)}"):
        writer = partial.name[1:].partition(".")[0]
        if writer.isdecimal() and partial.name == f".{writer}.{path.name}" and not _is_alive(int(writer)):
            partial.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it belongs to another user
        return True
    return True


@contextmanager
def whole(path: str | Path, *, compare: bool = True, made_here: bool | None = None) -> Iterator[None]:
    """Check the content of a file against its digest, and name the file in any error of reading it.

    Parameters
    ----------
    compare
        Whether to read all of the file and compare its digest.
    made_here
        Whether the next start makes the file again if it is set aside; None: if it has a digest.

    Raises
    ------
    BrokenFileError
        If the file is not what was written, cannot be read, or violates its contract.
    ContractError
        The same for a file that was not made here: an input, or a result of a version without digests.
    """
    path = Path(path)
    if not path.exists():
        known = broken(path)
        raise FileNotFoundError(known[0] if known else f"{path}: does not exist; start again to make it")
    digest = _digest_file(path)
    made_here = digest.exists() if made_here is None else made_here
    if compare and digest.exists() and digest.read_text().split()[:1] != [_digest(path)]:
        raise BrokenFileError(path, "its content is not what was written; it is damaged or was edited")
    try:
        yield
    except (BrokenFileError, MemoryError, PermissionError):
        raise
    except Exception as error:
        problem = f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})"
        if isinstance(error, ContractError):
            problem = str(error).removeprefix(f"{path}: ")
        raise (BrokenFileError(path, problem) if made_here else ContractError(f"{path}: {problem}")) from error


def remove(path: str | Path) -> None:
    """Remove a file, if it exists, and its digest."""
    Path(path).unlink(missing_ok=True)
    _digest_file(Path(path)).unlink(missing_ok=True)


def check_writable(name: str, folder: str | Path) -> None:
    """Raise ConfigError unless files can be written in a folder, or a folder that does not exist can be made."""
    existing = next(path for path in (Path(folder), *Path(folder).absolute().parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(
            f"{name}: nothing can be written in '{existing.absolute()}'; change its rights or use another folder"
        )


def set_aside(error: BrokenFileError) -> str:
    """Give the file of the error the name `*.broken`, write the reason beside it, and return the reason."""
    kept = _kept(error.file)
    kept.unlink(missing_ok=True)
    try:
        os.link(error.file, kept)
    except OSError:  # a file system without links
        os.replace(error.file, kept)
    reason = f"{error} (kept as {kept.name}; the next start makes it again)"
    _note(error.file).write_text(f"{reason}\n")
    return reason


def usable(files: Mapping[Key, str | Path], read: Callable[[str | Path], Content]) -> dict[Key, Content]:
    """Read several files; those that are broken are set aside and left out, with a line in the log."""
    found = {}
    for key, path in files.items():
        try:
            found[key] = read(path)
        except BrokenFileError as error:
            print(f"left out: {set_aside(error)}")
    return found


def broken(path: str | Path) -> tuple[str, str] | None:
    """Return why a file is not to be used and the file in which that is written, or None if it was not set aside."""
    path = Path(path)
    current = _note(path).exists() and (not path.exists() or _is_set_aside(path))
    return (_note(path).read_text().strip(), str(_note(path))) if current else None


def broken_in(folder: str | Path) -> tuple[str, str] | None:
    """Return the same for the first file of a folder that was set aside and not made again since."""
    notes = sorted(Path(folder).glob("*.broken.txt"))
    found = (broken(note.with_name(note.name.removesuffix(".broken.txt"))) for note in notes)
    return next(filter(None, found), None)


def remove_broken(folder: str | Path) -> int:
    """Remove the first name of all files in a folder that were set aside and not made again; return their number."""
    kept = [path for path in Path(folder).rglob("*.broken") if _is_set_aside(_original(path))]
    for path in kept:
        _original(path).unlink()
    return len(kept)


def _is_set_aside(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samefile(path, _kept(path))
    return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.broken")


def _original(kept: Path) -> Path:
    return kept.with_name(kept.name.removesuffix(".broken"))


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.broken.txt")
