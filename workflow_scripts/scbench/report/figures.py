"""Helpers shared by all figures: saving, and colours suitable for colour-blind readers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from scbench.files import atomic, write_table
from scbench.report.markup import one_line

# with grey in place of black, which cannot be seen on a dark page
OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#7A7A7A"]
UNKNOWN_COLOUR = "#D9D9D9"
STYLE = Path(__file__).with_name("style.mplstyle")
FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"dpi": 300, "metadata": {"Date": None}},
    "png": {"dpi": 150},
    "pdf": {"dpi": 300, "metadata": {"CreationDate": None}},
}  # 300 dpi for rasterised points

mpl.rcParams.update(mpl.rc_params_from_file(STYLE, use_default_template=False))


def save(figure: Figure, files: Mapping[str, str | Path], drawn: pd.DataFrame | None = None) -> None:
    """Write a figure to `files`, {svg, png, pdf: file}, and the drawn values to the `tsv` if `drawn` is given.

    The same figure always gives the same bytes. It is not managed by pyplot, so no display or backend is needed.
    """
    _without_control_characters(figure)
    for suffix in FORMATS:
        if suffix in files:
            with atomic(files[suffix], with_digest=False) as partial:
                figure.savefig(partial, format=suffix, **FORMATS[suffix])
    if drawn is not None:
        write_table(files["tsv"], drawn)


def _without_control_characters(figure: Figure) -> None:
    """Replace what no font has, such as a tab in the name of a cell type, by a space."""
    for text in figure.findobj(Text):
        text.set_text(one_line(text.get_text(), keep="\n"))
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_locator(), FixedLocator):  # the formatter makes the texts of ticks anew
                names = [label.get_text() for label in axis.get_ticklabels()]
                shown = [one_line(name, keep="\n") for name in names]
                if shown != names:
                    axis.set_ticks(axis.get_majorticklocs(), shown)


def legend_label(name: str) -> str:
    """Return a name that legends show: matplotlib leaves out those that begin with an underscore."""
    return f"\u200b{name}" if name.startswith("_") else name


def category_colours(categories: list[str]) -> dict[str, str]:
    """Return a colour per category; "" is grey.

    The first eight are those of Okabe and Ito, the next eight darker, the next eight lighter. For more than 24, the
    colours are evenly spaced, and no palette is safe for colour-blind readers.
    """
    named = [category for category in categories if category]
    palette = [*OKABE_ITO, *_mixed("black", 0.4), *_mixed("white", 0.3)]
    if len(named) > len(palette):
        palette = [mpl.colors.to_hex(colour) for colour in mpl.colormaps["turbo"](np.linspace(0.03, 0.97, len(named)))]
    return dict(zip(named, palette, strict=False)) | {"": UNKNOWN_COLOUR}


def _mixed(other: str, share: float) -> list[str]:
    """Return the palette, each colour mixed with a share of another."""
    added = mpl.colors.to_rgb(other)
    mixed = [
        [(1 - share) * a + share * b for a, b in zip(mpl.colors.to_rgb(one), added, strict=True)] for one in OKABE_ITO
    ]
    return [mpl.colors.to_hex((red, green, blue)) for red, green, blue in mixed]
