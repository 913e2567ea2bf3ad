"""What all figures share: how they are written, and colours that colour-blind readers can tell apart."""

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
}  # 300: of rasterised points


def save(figure: Figure, files: Mapping[str, str | Path], drawn: pd.DataFrame | None = None) -> None:
    """Write a figure to `files`, {svg, png: file}, and what was drawn to the `tsv` among them; same figure, same bytes.

    The figure is not one of pyplot's, so no display or backend is involved.
    """
    for suffix in ("svg", "png"):
        if suffix in files:
            with atomic(files[suffix]) as partial, mpl.rc_context({"svg.hashsalt": "scbench"}):
                figure.savefig(partial, format=suffix, facecolor="white", **FORMATS[suffix])
    if drawn is not None:
        write_table(files["tsv"], drawn)


def category_colours(categories: list[str]) -> dict[str, str]:
    """Give each category a colour: Okabe and Ito's eight, beyond that evenly spaced ones; "" is grey."""
    named = [category for category in categories if category]
    palette = OKABE_ITO
    if len(named) > len(OKABE_ITO):
        palette = [mpl.colors.to_hex(colour) for colour in mpl.colormaps["turbo"](np.linspace(0.03, 0.97, len(named)))]
    return dict(zip(named, palette, strict=False)) | {"": UNKNOWN_COLOUR}
