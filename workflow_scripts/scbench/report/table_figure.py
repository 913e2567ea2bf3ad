"""Table of scores as a figure: metrics as circles, totals as bars (as in scIB, Luecken et al. 2022, Fig. 3)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from scbench.ranking.summary import APART
from scbench.report.labels import APART_HEADINGS, GROUP_LABELS, MISSING
from scbench.report.tables import TOTALS, Sheet, column_label, dataset_sheet, overall_sheet

COLOURMAPS = {"bio": "Blues", "batch": "Oranges", "total": "Purples"}
NOT_DRAWN = ("no_silhouette_total", "equal_total", "scaled_total", "min_max_total", "rank", "rank_robust", "n_datasets")
# all lengths in inches
ROW, CIRCLE, BAR, GAP, MARGIN, CHARACTER, HEADING, LINE = 0.34, 0.47, 1.12, 0.2, 0.12, 0.065, 0.085, 0.15
BAR_LENGTH, DIAMETERS = 0.62, (0.22, 0.315)
NOTE = "Numbers: raw means over seeds. Colour and size: from lowest to highest within the column."
OVERALL_NOTE = "Means over the datasets that have a total; compare within a column. A dash: something is missing."


def draw_all(
    summary: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    kinds: Mapping[str, str],
    metrics: Mapping[str, Sequence[str]],
) -> dict[str, tuple[Figure, pd.DataFrame]]:
    """Draw the scores of every dataset of the summary, and `overall`: {name: (figure, drawn values)}."""
    drawn = {}
    for dataset in summary["dataset"].unique():
        sheet = dataset_sheet(summary, dataset, labels, kinds, {**metrics, "extra": []})
        drawn[str(dataset)] = (dataset_figure(sheet, dataset), sheet.table)
    sheet = _without(overall_sheet(summary, labels, kinds), NOT_DRAWN)
    return drawn | {"overall": (overall_figure(sheet), sheet.table)}


def dataset_figure(sheet: Sheet, dataset: str) -> Figure:
    """Draw one dataset: a circle per metric, and bars for bio conservation, batch correction and total."""
    styles = {total: ("bar", total) for total in TOTALS}
    for group in ("bio", "batch"):
        styles |= {metric: ("circle", group) for metric in sheet.groups.get(GROUP_LABELS[group], [])}
    return _draw(sheet, styles, dataset, NOTE)


def overall_figure(sheet: Sheet) -> Figure:
    """Draw the ranking: a bar per dataset, then bars for the means over datasets."""
    styles = {column: ("bar", column if column in TOTALS else "total") for column in sheet.columns}
    return _draw(sheet, styles, "Overall", OVERALL_NOTE)


def _without(sheet: Sheet, left_out: Sequence[str]) -> Sheet:
    groups = {heading: [c for c in columns if c not in left_out] for heading, columns in sheet.groups.items()}
    return Sheet(
        sheet.table.drop(columns=list(left_out), errors="ignore"), {k: v for k, v in groups.items() if v}, sheet.spread
    )


def _draw(sheet: Sheet, styles: Mapping[str, tuple[str, str]], title: str, note: str) -> Figure:
    """Draw a sheet; `styles` gives each column its mark (circle | bar) and its colour map."""
    table, names = sheet.table, {column: column_label(column) for column in sheet.columns}
    headings = [APART_HEADINGS[kind] for kind in table["kind"] if kind in APART]
    left = MARGIN + max(len(name) for name in [*table["label"], *headings]) * CHARACTER + 0.15
    positions, right = _positions(sheet.groups, styles, left)
    heights = _row_heights(table["kind"])
    head = max(_head_height(names[column], styles[column][0]) for column in sheet.columns)
    bottom = MARGIN + 0.3
    top = bottom + (max(heights) + ROW / 2 if heights else ROW)
    width = max(right + MARGIN, left + len(note) * 0.055)
    figure = Figure(figsize=(width, top + head + 0.85))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, top + head + 0.85))
    axes.set_axis_off()
    axes.text(MARGIN, top + head + 0.63, title, fontsize=11, fontweight="bold", va="center")
    axes.text(left, MARGIN, note, fontsize=7, color="0.35", va="bottom")
    ys = [bottom + height for height in heights]
    _draw_rows(axes, table, ys, right)
    for heading, columns in sheet.groups.items():
        _draw_heading(axes, heading, positions[columns[0]][0], sum(positions[columns[-1]]), top + head + 0.2)
        for column in columns:
            x, slot = positions[column]
            mark, colours = styles[column]
            _draw_column_name(axes, names[column], mark, x, slot, top + 0.08)
            (_draw_circles if mark == "circle" else _draw_bars)(axes, table[column], ys, x, slot, colours)
    axes.plot([MARGIN, right], [top + 0.02] * 2, color="0.2", linewidth=0.8)
    return figure


def _positions(groups: Mapping[str, Sequence[str]], styles, left: float) -> tuple[dict, float]:
    """Return {column: (x, width)} and the right end; a group is at least as wide as its heading."""
    positions, x = {}, left
    for heading, columns in groups.items():
        for column in columns:
            slot = max(CIRCLE if styles[column][0] == "circle" else BAR, len(heading) * HEADING / len(columns))
            positions[column] = (x, slot)
            x += slot
        x += GAP
    return positions, x - GAP


def _row_heights(kinds: Sequence[str]) -> list[float]:
    """Return the height of each row's centre above the bottom; unranked kinds have a heading above them."""
    kinds = list(kinds)
    headings = [len(APART.keys() & set(kinds[i + 1 :]) - {kind}) for i, kind in enumerate(kinds)]
    return [(len(kinds) - 0.5 - i + below) * ROW for i, below in enumerate(headings)]


def _wrapped(name: str) -> str:
    return textwrap.fill(name.replace("_", " "), 15)


def _head_height(name: str, mark: str) -> float:
    return len(name) * CHARACTER + 0.1 if mark == "circle" else (_wrapped(name).count("\n") + 1) * LINE + 0.1


def _draw_rows(axes, table: pd.DataFrame, ys: list[float], right: float) -> None:
    for i, (y, name) in enumerate(zip(ys, table["label"], strict=True)):
        if i % 2 == 0:
            band = Rectangle((MARGIN, y - ROW / 2), right - MARGIN, ROW, facecolor="0.955", edgecolor="none", zorder=0)
            axes.add_patch(band)
        axes.text(MARGIN + 0.06, y, name, fontsize=8.5, va="center")
    for i, (kind, y) in enumerate(zip(table["kind"], ys, strict=True)):
        if kind in APART and kind not in set(table["kind"].iloc[:i]):
            line = y + ROW / 2
            axes.plot([MARGIN, right], [line] * 2, color="0.2", linewidth=0.8)
            if i > 0:
                axes.plot([MARGIN, right], [line + ROW] * 2, color="0.2", linewidth=0.8)
            axes.text(MARGIN + 0.06, line + ROW / 2, APART_HEADINGS[kind], fontsize=8.5, style="italic", va="center")


def _draw_heading(axes, heading: str, start: float, end: float, y: float) -> None:
    axes.text((start + end) / 2, y + 0.05, heading, fontsize=9, fontweight="bold", ha="center", va="bottom")
    axes.plot([start + 0.04, end - 0.04], [y, y], color="0.2", linewidth=0.8)


def _draw_column_name(axes, name: str, mark: str, x: float, slot: float, y: float) -> None:
    if mark == "circle":
        axes.text(x + slot / 2, y, name, fontsize=8, rotation=90, ha="center", va="bottom")
    else:
        axes.text(x + 0.06, y, _wrapped(name), fontsize=8, ha="left", va="bottom", linespacing=1.1)


def _draw_circles(axes, values: pd.Series, ys: list[float], x: float, slot: float, colours: str) -> None:
    span = values.max() - values.min()
    for value, y in zip(values, ys, strict=True):
        if pd.isna(value):
            axes.text(x + slot / 2, y, MISSING, fontsize=8, color="0.5", ha="center", va="center")
            continue
        level = (value - values.min()) / span if span > 0 else 1.0
        colour = _colour(colours, level)
        diameter = DIAMETERS[0] + level * (DIAMETERS[1] - DIAMETERS[0])
        axes.scatter([x + slot / 2], [y], s=(diameter * 72) ** 2, color=[colour], linewidths=0, zorder=2)
        axes.text(x + slot / 2, y, f"{value:.2f}", fontsize=6.5, color=_ink(colour), ha="center", va="center", zorder=3)


def _draw_bars(axes, values: pd.Series, ys: list[float], x: float, slot: float, colours: str) -> None:
    """Draw bars from 0 to 1 over BAR_LENGTH with the number beside them; values outside [0, 1] are clipped."""
    span = values.max() - values.min()
    for value, y in zip(values, ys, strict=True):
        start = x + 0.06
        if pd.isna(value):
            axes.text(start + 0.05, y, MISSING, fontsize=8, color="0.5", ha="left", va="center")
            continue
        level = (value - values.min()) / span if span > 0 else 1.0
        length = BAR_LENGTH * min(max(value, 0), 1)
        for extent, colour in ((BAR_LENGTH, "0.88"), (length, _colour(colours, 0.25 + 0.75 * level))):
            axes.add_patch(Rectangle((start, y - ROW * 0.3), extent, ROW * 0.6, color=colour, linewidth=0, zorder=2))
        axes.text(start + BAR_LENGTH + 0.05, y, f"{value:.3f}", fontsize=7.5, ha="left", va="center", zorder=3)


def _colour(name: str, level: float) -> tuple[float, ...]:
    """Return a colour of a sequential colour map, without its lightest and darkest ends."""
    return mpl.colormaps[COLOURMAPS[name]](0.18 + 0.67 * level)


def _ink(background: tuple[float, ...]) -> str:
    red, green, blue = background[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"
