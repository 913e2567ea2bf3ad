"""Tables of scores, one per dataset and one overall, as TSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scbench.files import write_table, write_text
from scbench.metrics.catalogue import METRICS
from scbench.metrics.metric import GROUPS
from scbench.ranking.summary import APART, RANKING_TOTALS, RANKS, lost_seeds, rank
from scbench.report.labels import APART_HEADINGS, GROUP_LABELS, MISSING, label
from scbench.report.markup import escape_latex, latex_comments, markdown_table

TOTALS = ["bio", "batch", "total"]
COUNTS = (*RANKS, "n_datasets")
ORACLE = "cell_type_oracle"
COMPARE_WITHIN = (
    "Raw batch scores depend on the number of batches, even if the mixing is perfect: compare methods within a "
    "dataset, not totals of different datasets."
)


@dataclass(frozen=True)
class Sheet:
    """A table before formatting.

    Attributes
    ----------
    table
        Columns method, label, kind, then the numeric columns; rows in display order, those of the kinds APART last.
    groups
        {heading: [numeric columns below it]}, in order.
    spread
        Standard deviations over seeds, rows as in `table`; columns may be missing.
    notes
        Sentences below the table.
    """

    table: pd.DataFrame
    groups: dict[str, list[str]]
    spread: pd.DataFrame
    notes: Sequence[str] = ()

    @property
    def columns(self) -> list[str]:
        return [column for columns in self.groups.values() for column in columns]


def sheets(
    summary: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    kinds: Mapping[str, str],
    metrics: Mapping[str, Sequence[str]],
) -> dict[str, Sheet]:
    """Return the table of every dataset of the summary, and `overall`."""
    names = summary["dataset"].unique()
    found = {str(name): dataset_sheet(summary, name, labels, kinds, metrics) for name in names}
    return found | {"overall": overall_sheet(summary, labels, kinds)}


def write_sheet(sheet: Sheet, files: Mapping[str, str | Path]) -> None:
    """Write a table to `files`, {tsv, md, tex: file}.

    The TSV contains raw means. Markdown and LaTeX show mean and standard deviation over seeds, with the best value of
    the ranked methods in bold.
    """
    write_table(files["tsv"], sheet.table)
    write_text(files["md"], to_markdown(sheet))
    write_text(files["tex"], to_latex(sheet))


def dataset_sheet(summary: pd.DataFrame, dataset: str, labels, kinds, metrics) -> Sheet:
    """Return the table of one dataset: methods sorted by total (by batch correction if there is none)."""
    one = summary[summary["dataset"] == dataset]
    groups = {GROUP_LABELS[group]: list(metrics[group]) for group in GROUPS if metrics[group]}
    groups["Total"] = TOTALS
    columns = [column for listed in groups.values() for column in listed]
    means = one.pivot(index="method", columns="metric", values="mean").reindex(columns=columns)
    table = _described(means, labels, kinds)
    order = ["apart", "total", "batch", "method"]
    table = table.assign(apart=table["kind"].map(APART).fillna(0))
    table = table.sort_values(order, ascending=[True, False, False, True]).drop(columns="apart").reset_index(drop=True)
    spread = one.pivot(index="method", columns="metric", values="sd").reindex(index=table["method"], columns=columns)
    return Sheet(table, groups, spread.reset_index(drop=True), [COMPARE_WITHIN, *fewer_seeds(lost_seeds(one), labels)])


def overall_sheet(summary: pd.DataFrame, labels, kinds) -> Sheet:
    """Return the table of the ranking: the total on every dataset, then the means over datasets."""
    min_max = (summary["scaling"] == "min_max").any()
    scaled = "min_max_total" if min_max else "scaled_total"
    ranking = rank(summary, kinds).set_index("method").rename(columns={"scaled_total": scaled})
    totals = summary[(summary["group"] == "total") & (summary["metric"] == "total")]
    means = totals.pivot(index="method", columns="dataset", values="mean").reindex(ranking.index)
    overall = [*RANKING_TOTALS, scaled, *COUNTS]
    table = _described(means.add_prefix("total_").join(ranking[overall]), labels, kinds)
    spread = totals.pivot(index="method", columns="dataset", values="sd").reindex(ranking.index).add_prefix("total_")
    groups = {"Total on": list(spread.columns), "Mean over datasets": overall}
    notes = [COMPARE_WITHIN, *_without_total(means), *_rank_of_oracle(ranking, labels)]
    notes += fewer_seeds(ranking["note"], labels)
    return Sheet(table, groups, spread.reset_index(drop=True), notes)


def fewer_seeds(notes: Mapping[str, str], labels: Mapping[str, str]) -> list[str]:
    """Return a sentence that names the methods with `notes`, {method: words}, on seeds without a total, if any."""
    named = [f"{labels.get(method, method)} ({words})" for method, words in notes.items() if words]
    return [f"Totals of fewer seeds than planned: {'; '.join(named)}."] if named else []


def _without_total(means: pd.DataFrame) -> list[str]:
    """Return the datasets on which no method has a total, and what to do, for totals as methods x datasets."""
    names = ", ".join(means.columns[means.isna().all()])
    advice = "datasets with one batch have none, and those without cell types need metrics.preset: label_free"
    return [f"No method has a total on {names}: {advice}."] if names else []


def _rank_of_oracle(ranking: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Return the ranks that an embedding of nothing but cell types would have."""
    places = []
    for column, total in RANKS.items():
        ranked = ranking.loc[ranking[column].notna(), total]
        if ORACLE in ranking.index and len(ranked) and pd.notna(ranking.loc[ORACLE, total]):
            place = 1 + (ranked.round(3) > round(ranking.loc[ORACLE, total], 3)).sum()
            places.append(f"{place} of {len(ranked) + 1} by the {label(total).lower()}")
    if not places:
        return []
    return [f"{labels[ORACLE]}, which keeps nothing but cell types, would have rank {' and '.join(places)}."]


def is_of_dataset(column: str) -> bool:
    """Return whether a column of the overall table is the total on one dataset."""
    return column.startswith("total_") and column not in GROUP_LABELS


def column_label(column: str) -> str:
    """Return the heading of a column; the total on a dataset has the name of the dataset."""
    return column.removeprefix("total_") if is_of_dataset(column) else label(column)


def to_markdown(sheet: Sheet) -> str:
    """Render as a Markdown table, with unranked methods below a heading row."""
    names = [("Total on " if is_of_dataset(c) else "") + column_label(c) for c in sheet.columns]
    rows = [["Method", *names]]
    for (heading, name), cells in _rows(sheet, "{} ± {}", "**{}**", MISSING):
        if heading:
            rows.append([f"*{heading}*", *[""] * len(cells)])
        rows.append([name, *cells])
    return markdown_table(rows, [False, *[True] * len(names)], sheet.notes)


def to_latex(sheet: Sheet) -> str:
    """Render as a LaTeX tabular (requires booktabs), with unranked methods below a rule."""
    width = len(sheet.columns)
    headings, rules, start = [], [], 2
    for heading, columns in sheet.groups.items():
        headings.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{escape_latex(heading)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + len(columns) - 1}}}")
        start += len(columns)
    lines = [rf"\begin{{tabular}}{{l{'r' * width}}}", r"\toprule", " & " + " & ".join(headings) + r" \\"]
    lines += ["".join(rules), " & ".join(["Method", *(escape_latex(column_label(c)) for c in sheet.columns)]) + r" \\"]
    lines.append(r"\midrule")
    for (heading, name), cells in _rows(sheet, r"{} {{\scriptsize$\pm$ {}}}", r"\textbf{{{}}}", "--"):
        if heading:
            lines += [r"\midrule", rf"\multicolumn{{{width + 1}}}{{l}}{{\emph{{{heading}}}}} \\"]
        lines.append(" & ".join([escape_latex(name), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", *latex_comments(sheet.notes)]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(lines) + "\n"


def _rows(sheet: Sheet, with_spread: str, bold: str, missing: str):
    """Yield ((heading above or "", label), cells) per method, with cells formatted by the given patterns."""
    table = sheet.table
    apart = table["kind"].isin(APART)
    first = apart & ~table["kind"].duplicated()
    printed = table[sheet.columns].astype(float).round(3)
    falling = [column in METRICS and METRICS[column].direction == "lower" for column in sheet.columns]
    best = printed[~apart].max().where(~np.array(falling), printed[~apart].min())
    for row in range(len(table)):
        cells = []
        for column in sheet.columns:
            value = printed[column].iloc[row]
            if pd.isna(value):
                cells.append(missing)
                continue
            text = f"{value:.0f}" if column in COUNTS else f"{value:.3f}"
            if not apart.iloc[row] and column not in COUNTS and value == best[column]:
                text = bold.format(text)
            sd = sheet.spread[column].iloc[row] if column in sheet.spread else float("nan")
            cells.append(text if pd.isna(sd) else with_spread.format(text, f"{sd:.3f}"))
        heading = APART_HEADINGS[table["kind"].iloc[row]] if first.iloc[row] else ""
        yield (heading, table["label"].iloc[row]), cells


def _described(values: pd.DataFrame, labels, kinds) -> pd.DataFrame:
    """Insert method, label and kind before the values, which are indexed by method."""
    table = values.rename_axis(index="method", columns=None).reset_index()
    table.insert(1, "label", [labels.get(method, method) for method in table["method"]])
    table.insert(2, "kind", [kinds.get(method, "method") for method in table["method"]])
    return table
