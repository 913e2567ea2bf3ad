"""What all figures share: how they are written, and colours that colour-blind readers can tell apart."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scbench.files import atomic, write_table

OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"]
UNKNOWN_COLOUR = "#D9D9D9"
PNG_DPI = 150


def save(figure: Figure, drawn: pd.DataFrame, stem: str | Path) -> None:
    """Write {stem}.svg, {stem}.png and {stem}.tsv, the table of what was drawn; same figure, same bytes.

    The figure is not one of pyplot's, so no display or backend is involved.
    """
    formats = {"svg": {"dpi": 300, "metadata": {"Date": None}}, "png": {"dpi": PNG_DPI}}  # 300: of rasterised points
    for suffix, options in formats.items():
        with atomic(f"{stem}.{suffix}") as partial, mpl.rc_context({"svg.hashsalt": "scbench"}):
            figure.savefig(partial, facecolor="white", **options)
    write_table(f"{stem}.tsv", drawn)


def category_colours(categories: list[str]) -> dict[str, str]:
    """Give each category a colour: Okabe and Ito's eight, beyond that evenly spaced ones; "" is grey."""
    named = [category for category in categories if category]
    palette = OKABE_ITO
    if len(named) > len(OKABE_ITO):
        palette = [mpl.colors.to_hex(colour) for colour in mpl.colormaps["turbo"](np.linspace(0.03, 0.97, len(named)))]
    return dict(zip(named, palette, strict=False)) | {"": UNKNOWN_COLOUR}
