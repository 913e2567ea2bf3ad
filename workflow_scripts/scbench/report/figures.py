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

OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"]
UNKNOWN_COLOUR = "#D9D9D9"
FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"dpi": 300, "metadata": {"Date": None}},
    "png": {"dpi": 150},
}  # 300 dpi for rasterised points


def save(figure: Figure, files: Mapping[str, str | Path], drawn: pd.DataFrame | None = None) -> None:
    """Write a figure to `files`, {svg, png: file}, and the drawn values to the `tsv` if `drawn` is given.

    The same figure always gives the same bytes. It is not managed by pyplot, so no display or backend is needed.
    """
    for suffix in ("svg", "png"):
        if suffix in files:
            with atomic(files[suffix]) as partial, mpl.rc_context({"svg.hashsalt": "scbench"}):
                figure.savefig(partial, format=suffix, facecolor="white", **FORMATS[suffix])
    if drawn is not None:
        write_table(files["tsv"], drawn)


def category_colours(categories: list[str]) -> dict[str, str]:
    """Return a colour per category: the eight of Okabe and Ito, or evenly spaced colours for more; "" is grey."""
    named = [category for category in categories if category]
    palette = OKABE_ITO
    if len(named) > len(OKABE_ITO):
        palette = [mpl.colors.to_hex(colour) for colour in mpl.colormaps["turbo"](np.linspace(0.03, 0.97, len(named)))]
    return dict(zip(named, palette, strict=False)) | {"": UNKNOWN_COLOUR}
