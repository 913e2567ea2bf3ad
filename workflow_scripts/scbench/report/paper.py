"""The folder of a paper: numbered copies of figures and tables, with captions in a README."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scbench.files import write_text


@dataclass(frozen=True)
class Item:
    """A figure or a table of the paper.

    Attributes
    ----------
    kind
        figure | table.
    title, caption
        Texts of the README.
    files
        The files to copy, which differ in their suffix only; a figure has a .png, a table a .md.
    made_of
        Files from which the figure or table is made, as the README names them.
    """

    kind: str
    title: str
    caption: str
    files: Sequence[str]
    made_of: str


def write_paper(folder: str | Path, items: Sequence[Item], left_out: Mapping[str, str], *, about: str) -> None:
    """Copy the files of the items into a folder, numbered in their order, and write its README.md.

    Parameters
    ----------
    folder
        The folder, which is made.
    items
        Figures and tables, each kind numbered on its own.
    left_out
        {title: reason} of what this configuration cannot show.
    about
        First paragraph of the README.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {"figure": 0, "table": 0}
    contents, sections = ["| | shows | files | made of |", "|---|---|---|---|"], []
    for item in items:
        numbers[item.kind] += 1
        stem = f"{item.kind}_{numbers[item.kind]:02d}_{Path(item.files[0]).stem}"
        for file in item.files:
            shutil.copyfile(file, folder / f"{stem}{Path(file).suffix}")
        name = f"{item.kind.capitalize()} {numbers[item.kind]}"
        links = " ".join(f"[{Path(file).suffix[1:]}]({stem}{Path(file).suffix})" for file in item.files)
        contents.append(f"| {name} | {item.title} | {links} | {item.made_of} |")
        suffixes = {Path(file).suffix: file for file in item.files}
        content = f"![{item.title}]({stem}.png)" if item.kind == "figure" else Path(suffixes[".md"]).read_text().strip()
        sections.append(f"## {name}. {item.title}\n\n{item.caption.strip()}\n\n{content}")
    missing = "".join(f"- {title}: {reason}\n" for title, reason in left_out.items())
    parts = ["# Figures and tables", about, "\n".join(contents), *sections]
    parts += [f"## Left out\n\n{missing.strip()}"] if missing else []
    write_text(folder / "README.md", "\n\n".join(parts) + "\n")
