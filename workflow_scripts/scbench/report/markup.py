"""Rows of text as Markdown and LaTeX tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

KEPT = ("Zs", "Cf")  # spaces, and marks such as those of text from right to left
TEX_ESCAPES = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
}


def one_line(text: str, keep: str = "") -> str:
    """Replace tabs, line breaks and other characters that no font has, apart from those in `keep`, by spaces."""
    return "".join(
        letter if letter in keep or (letter.isprintable() or unicodedata.category(letter) in KEPT) else " "
        for letter in text
    )


def markdown_table(rows: Sequence[Sequence[str]], right: Sequence[bool], notes: Sequence[str] = ()) -> str:
    """Render rows, the first of them headings, as a Markdown table with the notes below.

    Parameters
    ----------
    rows
        Cells as text.
    right
        Whether each column is aligned to the right.
    """
    heading, *body = ([one_line(cell).replace("|", r"\|").replace("<", "&lt;") for cell in row] for row in rows)
    rules = ["---:" if to_right else "---" for to_right in right]
    table = "".join("| " + " | ".join(row) + " |\n" for row in [heading, rules, *body])
    return table + "".join(f"\n{one_line(note)}\n" for note in notes)


def latex_table(rows: Sequence[Sequence[str]], right: Sequence[bool], notes: Sequence[str] = ()) -> str:
    """Render rows as a LaTeX tabular (requires booktabs), with the notes as comments; see `markdown_table`."""
    heading, *body = (" & ".join(map(escape_latex, row)) + r" \\" for row in rows)
    columns = "".join("r" if to_right else "l" for to_right in right)
    start = [r"% needs \usepackage{booktabs}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines = [*start, heading, r"\midrule", *body, r"\bottomrule", r"\end{tabular}", *latex_comments(notes)]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    """Escape the special characters of LaTeX, and put the text on one line."""
    return "".join(TEX_ESCAPES.get(character, character) for character in one_line(text))


def latex_comments(notes: Sequence[str]) -> list[str]:
    """Return one comment per note."""
    return [f"% {one_line(note)}" for note in notes]
