"""What the docstring of a metric says, read from the source: the packages that compute it need not be installed."""

from __future__ import annotations

import ast
from pathlib import Path

from scbench.metrics.metric import Metric

LIBRARY = Path(__file__).parents[2]
WORDS = ("Range:", "Weakness:", "Source:")


def paragraphs(docstring: str) -> list[str]:
    """Return the paragraphs of a docstring before its parameters, each in one line; the labelled lines apart."""
    text = docstring.split("\nParameters\n")[0].strip()
    for word in WORDS:
        text = text.replace(f"\n{word}", f"\n\n{word}")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]


def documentation(metric: Metric) -> dict[str, str]:
    """Return {measures, range, weakness, source} of a metric; a part that the docstring lacks is empty."""
    module, name = metric.function.split(":")
    tree = ast.parse(LIBRARY.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    said = paragraphs(ast.get_docstring(functions[name]) or "") if name in functions else []
    labelled = {word: one.removeprefix(word).strip() for word in WORDS for one in said if one.startswith(word)}
    found = {word.rstrip(":").lower(): labelled.get(word, "") for word in WORDS}
    return {"measures": " ".join(one for one in said if not one.startswith(WORDS)), **found}
