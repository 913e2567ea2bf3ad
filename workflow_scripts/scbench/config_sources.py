"""Where the values of the configuration come from: YAML files and the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from scbench.types import ConfigError

COMMAND_LINE = "the command line (--config)"


class Origins:
    """The sources of a configuration in the order in which they are merged, to name the one with a mistake."""

    def __init__(self, sources: Sequence[tuple[str, Mapping]]) -> None:
        self.sources = sources

    @classmethod
    def of(cls, defaults: Sequence[tuple[str, Mapping]], overrides: Mapping, files: Sequence[str | Path]) -> Origins:
        """Return the defaults, the user's `files`, and as the command line what of `overrides` is in none of them."""
        users = [(str(name), read_yaml(Path(name))) for name in files if Path(name).exists()]
        merged: dict = {}
        for _, content in users:
            merged = _merged(merged, content)
        return cls([*defaults, *users, (COMMAND_LINE, _difference(overrides, merged))])

    def origin(self, keys: Sequence) -> str:
        """Return the last source that sets `keys`, or the longest leading part of them that any source sets."""
        for length in range(len(keys), 0, -1):
            for name, content in reversed(self.sources):
                if _has(content, keys[:length]):
                    return name
        return self.sources[0][0]

    def fail(self, keys: Sequence, problem: str) -> NoReturn:
        """Raise ConfigError with the source of the value, its key and the problem."""
        raise ConfigError(f"{self.origin(keys)}: {'.'.join(map(str, keys))}: {problem}")


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping; YAML itself would take the last one without a word."""

    def construct_mapping(self, node, deep=False):
        seen: dict[str, int] = {}
        for key, _ in node.value:
            name, line = key.value, key.start_mark.line + 1
            if isinstance(name, str) and name in seen:
                raise ConfigError(f"the key {name} stands twice, in lines {seen[name]} and {line}; remove one")
            seen[str(name)] = line
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict:
    """Read a mapping.

    Raises
    ------
    ConfigError
        If the file is not readable, not YAML, not a mapping, or has a key twice.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # a subclass of SafeLoader
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not a text file in UTF-8 ({error}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML ({' '.join(str(error).split())}); correct this place") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({os.strerror(error.errno or 0)}); check the path") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{path}: holds a {type(content).__name__}, not keys and values such as benchmark: {{...}}")
    return content or {}


def _merged(base: Mapping, update: Mapping) -> dict:
    merged = dict(base)
    for key, value in update.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return merged


def _difference(values: Mapping, known: Mapping) -> dict:
    """Return the part of `values` that differs from `known`."""
    found: dict = {}
    for key, value in values.items():
        if key not in known:
            found[key] = value
        elif isinstance(value, Mapping) and isinstance(known[key], Mapping):
            if inner := _difference(value, known[key]):
                found[key] = inner
        elif value != known[key] and value == value:  # nan differs from itself
            found[key] = value
    return found


def _has(content: Any, keys: Sequence) -> bool:
    for key in keys:
        if (isinstance(content, Mapping) and key in content) or (
            isinstance(content, list) and isinstance(key, int) and key < len(content)
        ):
            content = content[key]
        else:
            return False
    return True
