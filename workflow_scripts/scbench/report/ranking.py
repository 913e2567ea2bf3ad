"""Table and figure of the overall ranking and its uncertainty, made from the summary tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from scbench.files import write_table, write_text
from scbench.report.figures import OKABE_ITO
from scbench.report.labels import MISSING
from scbench.report.markup import latex_table, markdown_table
from scbench.report.tables import fewer_seeds

HEADINGS = [
    *["Method", "Total", "95 % interval", "Rank", "95 % interval of the rank", "Best in"],
    *["Robust total", "Robust rank", "Seeds"],
]
ALPHA = 0.05


def write_ranking(
    overall: pd.DataFrame,
    tests: pd.DataFrame,
    sensitivity: pd.DataFrame,
    files: Mapping[str, str | Path],
    *,
    labels: Mapping[str, str],
) -> None:
    """Write the ranking with its intervals, and the tests as notes below it, to `files`, {tsv, md, tex: file}."""
    table = overall.assign(label=[labels.get(method, method) for method in overall["method"]])
    write_table(files["tsv"], table)
    rows, notes = [HEADINGS, *_rows(table)], ranking_notes(overall, tests, sensitivity, labels)
    right = [False, *[True] * (len(HEADINGS) - 1)]
    write_text(files["md"], markdown_table(rows, right, notes))
    write_text(files["tex"], latex_table(rows, right, notes))


def ranking_notes(overall: pd.DataFrame, tests: pd.DataFrame, sensitivity: pd.DataFrame, labels) -> list[str]:
    """Return sentences with the results of tests and leave-one-out rankings, or why they do not apply."""
    notes = []
    if not len(overall):
        notes.append("No method has a total on all datasets.")
    elif overall["status"].iloc[0] != "ok":
        notes.append(f"Intervals: not applicable ({overall['reason'].iloc[0]}).")
    else:
        over = f"the {overall['n_datasets'].iloc[0]} datasets"
        notes.append(
            f"Intervals of totals: 95 % t intervals over {over}. Intervals of ranks: from paired t tests over {over}. "
            "Best in: share of 10,000 draws from the t distribution of the means."
        )
    notes.append("The robust total uses the metrics of the preset `robust`, which has no silhouettes.")
    notes += fewer_seeds(dict(zip(overall["method"], overall["note"], strict=True)), labels)
    friedman = tests[tests["test"] == "friedman"].iloc[0]
    if friedman["status"] != "ok":
        notes.append(f"Friedman test: not applicable ({friedman['reason']}).")
    else:
        statistic, p_value = friedman["statistic"], friedman["p_value"]
        over = f"{friedman['n_datasets']} datasets"
        notes.append(f"Friedman test over {over}: chi-square {statistic:.2f}, p = {p_value:.2g} (permutation test).")
    for kind, one in sensitivity.groupby("kind", sort=False):
        ok = one[one["status"] == "ok"]
        changed = ok.loc[ok["ranking_changed"].astype(bool), "left_out"]
        best = ok.loc[ok["best_changed"].astype(bool), "left_out"]
        note = f"Leaving out one {kind} at a time changes the ranking in {len(changed)} of {len(ok)} cases"
        note += f" and the best method in {len(best)}" + (f" ({', '.join(best)})" if len(best) else "")
        notes.append(note + (f"; {len(one) - len(ok)} cases give no ranking." if len(ok) < len(one) else "."))
    return notes


def draw_ranking(
    overall: pd.DataFrame, tests: pd.DataFrame, *, labels: Mapping[str, str]
) -> tuple[Figure, pd.DataFrame]:
    """Draw the ranking; return the figure and the drawn values."""
    drawn = overall.assign(label=[labels.get(method, method) for method in overall["method"]])
    ranks = tests[tests["test"] == "mean_rank"].set_index("method")["mean_rank"]
    drawn["mean_rank"] = drawn["method"].map(ranks)
    return ranking_figure(drawn, tests), drawn


def ranking_figure(drawn: pd.DataFrame, tests: pd.DataFrame) -> Figure:
    """Draw mean totals with their intervals, and the critical-difference diagram below.

    Parameters
    ----------
    drawn
        Overall table with the additional columns label and mean_rank, best method first.
    tests
        See `scbench.ranking.uncertainty.rank_tests`.
    """
    n_methods = max(len(drawn), 1)
    tested = (tests.loc[tests["test"] == "friedman", "status"] == "ok").all()
    heights = [0.32 * n_methods + 1.2, 0.25 * n_methods + 1.3 if tested else 0.4]
    figure = Figure(figsize=(7.5, sum(heights)), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=heights)
    positions = range(len(drawn))
    upper.hlines(positions, drawn["ci_low"], drawn["ci_high"], color=OKABE_ITO[0], linewidth=2)
    upper.scatter(drawn["total"], positions, s=30, color=OKABE_ITO[0], zorder=3)
    upper.set_yticks(positions, drawn["label"], fontsize=8.5)
    upper.set_ylim(n_methods - 0.4, -0.6)
    upper.grid(axis="x", color="0.9", linewidth=0.6)
    upper.spines[["top", "right"]].set_visible(False)
    upper.tick_params(labelsize=8)
    upper.set_xlabel("Mean total over datasets, 95 % t interval over datasets", fontsize=9)
    if not len(drawn) or drawn["status"].iloc[0] != "ok":
        reason = drawn["reason"].iloc[0] if len(drawn) else "no method has a total on all datasets"
        upper.set_title(f"No interval: {reason}", fontsize=8, color="0.35")
    _draw_critical_difference(lower, drawn, tests)
    return figure


def _draw_critical_difference(axes, drawn: pd.DataFrame, tests: pd.DataFrame) -> None:
    friedman = tests[tests["test"] == "friedman"].iloc[0]
    if friedman["status"] != "ok":
        axes.set_axis_off()
        text = f"No critical-difference diagram: {friedman['reason']}"
        axes.text(0.5, 0.5, text, fontsize=9, color="0.35", ha="center", va="center", transform=axes.transAxes)
        return
    from scikit_posthocs import critical_difference_diagram

    named = dict(zip(drawn["method"], drawn["label"], strict=True))
    ranks = drawn.set_index("label")["mean_rank"]
    p_values = pd.DataFrame(1.0, index=ranks.index, columns=ranks.index)
    for pair in tests[tests["test"] == "nemenyi"].itertuples():
        first, second = named[pair.method], named[pair.other]
        p_values.loc[first, second] = p_values.loc[second, first] = pair.p_value
    critical_difference_diagram(
        ranks, p_values, alpha=ALPHA, ax=axes, label_props={"fontsize": 8.5}, elbow_props={"linewidth": 0.8}
    )
    for text in axes.texts:  # the lines keep the colours, some of which are too light to read
        text.set_color("black")
    axes.tick_params(labelsize=8)
    title = "Mean rank; a bar joins methods that are not shown to differ (Nemenyi, 5 %)."
    title += f" Friedman p = {friedman['p_value']:.2g}"
    axes.set_title(title, fontsize=8, color="0.35")


def _rows(table: pd.DataFrame) -> list[list[str]]:
    rows = []
    for one in table.itertuples():
        interval, ranks, best = MISSING, MISSING, MISSING
        if one.status == "ok":
            interval = f"{one.ci_low:.3f} to {one.ci_high:.3f}"
            ranks = f"{one.rank_low:.0f} to {one.rank_high:.0f}"
            best = f"{100 * one.share_best:.0f} %"
        robust = [MISSING, MISSING]
        if not pd.isna(one.rank_robust):
            robust = [f"{one.total_robust:.3f}", f"{one.rank_robust:.0f}"]
        seeds = f"{one.n_seeds:.0f} of {one.n_planned:.0f}"
        rows.append([one.label, f"{one.total:.3f}", interval, f"{one.rank:.0f}", ranks, best, *robust, seeds])
    return rows
