"""Helpers shared by all figures: saving, and colours suitable for colour-blind readers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scbench.files import atomic, write_table

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
    for suffix in FORMATS:
        if suffix in files:
            with atomic(files[suffix], with_digest=False) as partial:
                figure.savefig(partial, format=suffix, **FORMATS[suffix])
    if drawn is not None:
        write_table(files["tsv"], drawn)


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
