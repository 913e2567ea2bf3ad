"""The result page in a browser: it sorts, filters, weighs, switches and links, and its numbers are those of Python."""

import re
from pathlib import Path

import pandas as pd
import pytest

from scbench.config import robust_metrics
from scbench.files import read_scores
from scbench.ranking.summary import rank, summarise
from scbench.ranking.uncertainty import overall_table
from scbench.registry import load_registry

WEIGHTS = [0.6, 0.0, 0.35, 1.0]
TOTALS = {"Total": "total", "Robust total": "total_robust", "Bio conservation": "bio", "Batch correction": "batch"}


def printed(value) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"


def shown(text: str) -> str:
    """Return the number of a cell, or nothing for a cell that says why there is none."""
    return text if re.fullmatch(r"-?\d+\.\d+", text) else ""


def order(texts: list[str]) -> list[float]:
    return [float(text) for text in texts if shown(text)]


@pytest.mark.parametrize("values", ["raw", "scaled"])
@pytest.mark.parametrize("bio", WEIGHTS)
def test_every_number_of_the_table_is_that_of_the_summary(browser, made, bio, values):
    at, config = made
    methods = load_registry(config["methods"])
    scores = read_scores(at.partial("scores.tsv"))
    planned = [*dict.fromkeys([*config["benchmark"]["methods"], *config["benchmark"]["controls"]])]
    kinds = {name: methods[name].reported_kind for name in planned}
    robust = robust_metrics(config["metrics"])
    summary = summarise(scores, kinds, {"bio": bio, "batch": round(1 - bio, 6)}, robust=robust)
    column = "mean" if values == "raw" else "scaled_mean"
    means = summary.set_index(["dataset", "method", "metric"])[column]
    names = {methods[name].label: name for name in planned}
    labels = browser.run("Object.fromEntries(data.metrics.map(({label, id}) => [label, id]))") | TOTALS
    browser.choose("weight", bio)
    browser.run("document.querySelector(`input[value=${arguments[0]}]`).click()", values)
    browser.settle()
    checked = 0
    for dataset in config["benchmark"]["datasets"]:
        browser.choose("view", dataset)
        headings = browser.headings()
        for row in browser.rows():
            cells = dict(zip(headings, row, strict=True))
            for heading in set(headings) & set(labels):
                expected = means.get((dataset, names[cells["Method"]], labels[heading]), float("nan"))
                assert shown(cells[heading]) == printed(expected), (dataset, cells["Method"], heading)
                checked += bool(printed(expected))
    browser.choose("view", "")
    ranking = rank(summary, kinds).set_index("method")
    intervals = overall_table(summary, kinds).set_index("method")
    headings = browser.headings()
    for row in browser.rows():
        cells = dict(zip(headings, row, strict=True))
        method = names[cells["Method"]]
        for dataset in config["benchmark"]["datasets"]:
            assert shown(cells[dataset]) == printed(means.get((dataset, method, "total"), float("nan")))
        if values == "scaled":
            assert shown(cells["Total"]) == printed(ranking.loc[method, "scaled_total"])
            continue
        for heading in set(headings) & set(TOTALS):
            assert shown(cells[heading]) == printed(ranking.loc[method, TOTALS[heading]]), (method, heading)
        for heading, name in {"Rank": "rank", "Robust rank": "rank_robust"}.items():
            if heading in headings:
                assert cells[heading] == ("" if pd.isna(ranking.loc[method, name]) else str(ranking.loc[method, name]))
        known = method in intervals.index and pd.notna(intervals.loc[method, "ci_low"])
        expected = [printed(intervals.loc[method, end]) for end in ("ci_low", "ci_high")] if known else []
        assert cells["95 % interval"] == " to ".join(expected)
    assert checked > 300


def test_metrics_and_datasets_that_are_ticked_off_leave_the_totals(browser, made):
    at, config = made
    methods = load_registry(config["methods"])
    scores = read_scores(at.partial("scores.tsv")).query("dataset != 'data_3' and metric not in ['clisi', 'kbet']")
    kinds = {name: methods[name].reported_kind for name in scores["method"].unique()}
    ranking = rank(summarise(scores, kinds, config["metrics"]["weights"]), kinds).set_index("method")
    for value in ("clisi", "kbet", "data_3"):
        browser.run(f"document.querySelector('input[type=checkbox][value={value}]').click()")
    browser.settle()
    assert "data_3" not in browser.headings()
    expected = {methods[name].label: printed(total) for name, total in ranking["total"].items()}
    found = dict(zip(browser.column("Method"), map(shown, browser.column("Total")), strict=True))
    assert {label: found[label] for label in expected} == expected
    browser.find("#reset").click()
    browser.settle()
    assert "data_3" in browser.headings()


def test_a_click_or_enter_on_a_heading_sorts(browser):
    from selenium.webdriver.common.keys import Keys

    title = browser.find("#table .tabulator-col[tabulator-field='batch']")
    title.click()
    browser.settle()
    first = order(browser.column("Batch correction")[:6])
    assert first == sorted(first, reverse=True)
    title = browser.find("#table .tabulator-col[tabulator-field='batch']")
    title.send_keys(Keys.ENTER)
    browser.settle()
    last = order(browser.column("Batch correction")[:6])
    assert last == sorted(last)
    assert len(last) > 3


def test_the_filter_keeps_methods_and_the_scatter_follows(browser):
    points = "document.getElementById('scatter').data.filter((one) => one.mode === 'markers').length"
    before = browser.run(points)
    browser.find("#filter").send_keys("<script>")
    browser.until(f"{points} === 1")
    assert browser.column("Method") == ["<script>alert(1)</script>"]
    browser.choose("filter", "control")
    browser.until(f"{points} === 3")
    browser.choose("filter", "")
    browser.until(f"{points} === {before}")


def test_the_weight_slider_changes_the_order(browser):
    from selenium.webdriver.common.keys import Keys

    before = browser.column("Method")
    browser.find("#weight").send_keys(Keys.HOME)
    browser.settle()
    assert browser.run("document.getElementById('weights').textContent") == "bio 0.00, batch 1.00"
    after = browser.column("Method")
    assert sorted(after) == sorted(before)
    assert after != before
    totals, batch = (order(browser.column(name)) for name in ("Total", "Batch correction"))
    assert totals == batch


def test_what_is_pointed_at_in_one_projection_lights_up_in_both(browser):
    lit = "['left', 'right'].map((side) => document.getElementById(`umap-${side}`).data.length).join()"
    assert browser.run(lit) == "1,1"
    button = browser.find("#umap-legend button[data-id='batch'][data-code='1']")
    button.click()
    browser.until(f"{lit} === '2,2'")
    assert button.get_attribute("aria-pressed") == "true"
    n_cells = browser.run("['left', 'right'].map((side) => document.getElementById(`umap-${side}`).data[1].x.length)")
    assert n_cells == [30, 30]
    button.click()
    browser.run("document.getElementById('umap-legend').dispatchEvent(new Event('mouseleave'))")
    browser.run("document.getElementById('umap-left').emit('plotly_click', {points: [{pointNumber: 0}]})")
    browser.until(f"{lit} === '2,2'")
    pressed = browser.run("document.querySelector('#umap-legend [aria-pressed=true]').textContent")
    texts = browser.run("[...new Set(document.getElementById('umap-right').data[1].text)]")
    assert texts
    assert all(pressed in text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for text in texts)


def test_methods_and_seeds_of_the_projections_are_chosen_by_menu(browser):
    before = browser.run("document.getElementById('umap-left').data[0].x.slice(0, 5)")
    browser.choose("umap-method-left", "m0")
    browser.choose("umap-seed-left", "1")
    browser.until(
        f"document.getElementById('umap-left').data[0].x.slice(0, 5).join() !== '{','.join(map(str, before))}'"
    )
    browser.choose("umap-dataset", "data_1")
    browser.until("[...document.querySelectorAll('#umap-colour option')].map((one) => one.value).join() === 'batch'")


def test_names_are_text_and_missing_cells_say_why(browser):
    assert browser.run("document.querySelectorAll('main script, #table b, figure b:not(.legend b)').length") == 0
    browser.choose("view", "data_0")
    place = browser.headings().index("Total")
    failed = next(row for row in browser.rows() if row[0] == "a & b")
    assert failed[place] == "failed"
    why = browser.run("ScoreTable.shown().find((row) => row.id === 'm1').cells.total.why[1]")
    assert why.endswith("ValueError: loss is <nan> & training stopped")
    lost = next(row for row in browser.rows() if row[0] == "under_score")
    assert lost[-1] == "2"
    browser.choose("view", "data_2")
    assert next(row for row in browser.rows() if row[0] == "under_score")[-1] == "1 of 2"
    browser.choose("view", "data_1")
    assert {row[place] for row in browser.rows()} == {"n/a", "skipped"}


def test_the_shown_table_is_downloaded_as_tsv_and_latex(browser):
    browser.choose("view", "data_0")
    table = browser.run("ScoreTable.toTSV()").splitlines()
    assert [line.split("\t")[1] for line in table[1:]] == browser.column("Method")
    place = table[0].split("\t").index("total")
    assert [line.split("\t")[place] for line in table[1:]] == [shown(text) for text in browser.column("Total")]
    latex = browser.run("ScoreTable.toLaTeX(choice)")
    for name in (r"a \& b", r"under\_score", r"100 \%", "Zölläkerzelle"):
        assert name in latex
    columns = re.search(r"begin\{tabular\}\{l(r+)\}", latex)[1]
    lines = [line for line in latex.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(columns)}


def test_citations_are_copied_as_bibtex(browser):
    fake = "Object.defineProperty(navigator, 'clipboard', {value: {writeText: (text) => { window.copied = text; }}})"
    browser.run(f"{fake} && true")
    browser.run("[...document.querySelectorAll('button.bibtex')].at(-1).click()")
    browser.until("window.copied !== undefined")
    copied = browser.run("window.copied")
    assert "@article{lopez2018scvi" in copied
    assert copied.count("@") >= 3


def test_the_page_fits_a_phone_and_follows_the_dark_scheme(open_page, made):
    page = open_page(Path(made[0].page), dark=True, width=390, height=800)
    assert page.run("document.documentElement.scrollWidth") == 390
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 28)"
    page.find("#theme").click()
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.complaints() == []


def test_controls_are_reached_by_keyboard_and_have_names(browser):
    unnamed = browser.run(
        "[...document.querySelectorAll('button, input, select')].filter((one) => !one.textContent.trim() "
        "&& !one.labels?.length && !one.getAttribute('aria-label')).map((one) => one.outerHTML)"
    )
    assert unnamed == []
    assert browser.run(
        "[...document.querySelectorAll('#table .tabulator-sortable')].every((one) => one.tabIndex === 0)"
    )
