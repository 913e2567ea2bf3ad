"""Names of methods, batches and cell types are data: no character of theirs changes a figure, table or page."""

import xml.dom.minidom

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from scbench.report.exports import _umap
from scbench.report.figures import legend_label, save
from scbench.report.markup import escape_latex, latex_table, markdown_table, one_line
from scbench.report.projection_grid import grid_table, projection_figure

NAMES = {
    "dollars": "$x^2$",
    "broken mathematics": "$\\bad{$",
    "one dollar": "5 $",
    "backslash": "back\\slash",
    "underscore": "under_score",
    "leading underscore": "_hidden",
    "per cent": "100 %",
    "ampersand": "a & b",
    "hash": "#1",
    "braces": "{a} ^~",
    "tab": "a\tb",
    "carriage return": "a\rb",
    "line break": "a\nb",
    "quotes": "\"a\" 'b'",
    "markup": "<script>alert(1)</script>",
    "pipe": "a|b",
    "umlauts": "Zölläkerzelle",
    "right to left": "\u05ea\u05d0 T",
    "direction": "\u202eabc",
    "formula": "=1+1",
    "400 letters": "x" * 400,
}
every_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)


def saved(figure, folder):
    files = {suffix: folder / f"figure.{suffix}" for suffix in ("svg", "png", "pdf")}
    save(figure, files)
    return files["svg"].read_text()


def texts(svg: str) -> str:
    """Return the comments in which matplotlib keeps the text that it draws as paths."""
    found = [node.data.strip() for node in walk(xml.dom.minidom.parseString(svg)) if node.nodeType == node.COMMENT_NODE]
    return "\n".join(found)


def walk(node):
    yield node
    for child in node.childNodes:
        yield from walk(child)


@every_name
@pytest.mark.filterwarnings("error")
def test_a_figure_shows_the_name_as_it_is(tmp_path, name):
    figure = Figure(figsize=(4, 2))
    axes = figure.add_subplot(title=name)
    axes.scatter([1, 2], [1, 2], label=legend_label(name))
    axes.set_yticks([1, 2], [name, "other"])
    axes.legend()
    assert len(axes.get_legend().get_texts()) == 1
    svg = saved(figure, tmp_path)
    assert "<script>" not in svg
    drawn = one_line(name)
    for part in name.splitlines() if "\r" not in name else [drawn]:
        escaped = one_line(part).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert escaped in svg or one_line(part) in texts(svg)


@every_name
def test_projections_show_cell_types_and_methods_of_any_name(tmp_path, name):
    random = np.random.default_rng(0)
    ids = [f"cell_{place}" for place in range(40)]
    projection = pd.DataFrame({"cell_id": ids, "x": random.normal(size=40), "y": random.normal(size=40)})
    truth = pd.DataFrame({"cell_id": ids, "batch": [name, "b"] * 20, "cell_type": [name] * 20 + ["other"] * 20})
    figure = projection_figure(grid_table({"m": projection}, truth), {"m": name})
    assert [len(legend.get_texts()) for legend in figure.legends] == [2, 2]
    saved(figure, tmp_path)


@every_name
def test_the_umap_of_an_exported_run_shows_any_cell_type(tmp_path, name):
    xy = np.random.default_rng(0).normal(size=(40, 2))
    figure = _umap(xy, pd.Series([name] * 20 + ["other"] * 20), name)
    assert len(figure.axes[0].get_legend().get_texts()) == 2
    saved(figure, tmp_path)


@every_name
def test_a_table_has_one_row_per_name(name):
    rows = [["Method", "Total"], [name, "0.5"], ["other", "0.4"]]
    markdown = markdown_table(rows, [False, True], [f"Note on {name}."])
    assert len(markdown.rstrip("\n").split("\n")) == 6
    assert "<script>" not in markdown.split("\n\n")[0]
    latex = latex_table(rows, [False, True], [f"Note on {name}."])
    assert len(latex.splitlines()) == 10
    assert latex.count(r"\\" + "\n") == 3
    assert escape_latex(name) in latex
    assert all(line.startswith("% ") for line in latex.splitlines() if "Note on" in line)


def test_latex_escapes_compile_to_the_name():
    assert escape_latex("$x^2$ & 100 % of a_b {c} \\bad ~ #1") == (
        r"\$x\textasciicircum{}2\$ \& 100 \% of a\_b \{c\} \textbackslash{}bad \textasciitilde{} \#1"
    )
    assert escape_latex("a\tb\nc\rd") == "a b c d"
