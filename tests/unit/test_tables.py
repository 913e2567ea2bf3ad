"""The tables say what the summary says, in an order and a form one can print."""

import numpy as np
import pandas as pd
import pytest

from scbench.files import read_table, write_table
from scbench.ranking.summary import SUMMARY_COLUMNS
from scbench.report.tables import dataset_sheet, overall_sheet, sheets, to_latex, to_markdown, write_sheet

KINDS = {"low": "control", "worse": "method", "better": "baseline", "gone": "method"}
LABELS = {"low": "Low & flat", "worse": "Worse_1", "better": "Better | best", "gone": "Gone"}
METRICS = {"bio": ["nmi_leiden_best"], "batch": ["kbet", "made_up"], "extra": [], "weights": {"bio": 0.6, "batch": 0.4}}
MEANS = {"low": (0.9, 0.95), "worse": (0.5, 0.4), "better": (0.75, 0.25), "gone": (0.3, None)}


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = []
    for method, (bio, batch) in MEANS.items():
        sd = 0.01 if method == "worse" else None
        total = None if batch is None else 0.6 * bio + 0.4 * batch
        for group, metric, mean in [
            ("bio", "nmi_leiden_best", bio),
            ("batch", "kbet", batch),
            ("batch", "made_up", None),
            ("total", "bio", bio),
            ("total", "batch", batch),
            ("total", "total", total),
        ]:
            rows.append(
                (
                    "one",
                    method,
                    group,
                    metric,
                    mean,
                    sd,
                    None,
                    None,
                    0 if mean is None else 1,
                    1,
                    None,
                    "",
                    "controls",
                    "ok",
                    "",
                )
            )
    table = pd.DataFrame(rows, columns=SUMMARY_COLUMNS)
    return table.astype(dict.fromkeys(["mean", "sd", "ci_low", "ci_high", "scaled_mean"], float))


def one_sheet(summary):
    return dataset_sheet(summary, "one", LABELS, KINDS, METRICS)


def test_methods_stand_by_total_those_without_one_after_and_controls_last(summary):
    assert one_sheet(summary).table["method"].tolist() == ["better", "worse", "gone", "low"]
    assert overall_sheet(summary, LABELS, KINDS).table["method"].tolist() == ["better", "worse", "gone", "low"]


def test_columns_stand_in_their_groups_and_end_with_the_totals(summary):
    sheet = one_sheet(summary)
    assert sheet.groups == {
        "Bio conservation": ["nmi_leiden_best"],
        "Batch correction": ["kbet", "made_up"],
        "Total": ["bio", "batch", "total"],
    }
    assert list(sheet.table.columns) == ["method", "label", "kind", *sheet.columns]


def test_markdown_shows_spread_dashes_the_best_in_bold_and_the_controls_apart(summary):
    lines = to_markdown(one_sheet(summary)).splitlines()
    assert lines[0].startswith("| Method | NMI | kBET | made_up | Bio conservation |")
    assert lines[2] == r"| Better \| best | **0.750** | 0.250 | – | **0.750** | 0.250 | **0.550** |"  # noqa: RUF001
    assert "| 0.500 ± 0.010 | **0.400** ± 0.010 |" in lines[3]
    assert lines[4].startswith("| Gone | 0.300 | – |")  # noqa: RUF001
    assert lines[5].startswith("| *Controls* |")
    assert "**" not in lines[6]
    assert len({line.replace(r"\|", "").count("|") for line in lines[:7]}) == 1
    assert "compare methods within a dataset, not totals of different datasets." in lines[8]
    assert lines[10] == "Totals of fewer seeds than planned: Gone (0 of 1 seeds on one)."


def test_latex_is_escaped_and_every_row_has_every_column(summary):
    text = to_latex(one_sheet(summary))
    assert r"Low \& flat" in text
    assert r"Worse\_1 & 0.500 {\scriptsize$\pm$ 0.010} & \textbf{0.400} {\scriptsize$\pm$ 0.010} & --" in text
    assert r"\cmidrule(lr){2-2}\cmidrule(lr){3-4}\cmidrule(lr){5-7}" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert {row.replace(r"\&", "").count("&") for row in rows} == {6}


def test_what_is_given_the_cell_types_stands_apart_is_never_bold_and_has_no_rank(summary):
    kinds = KINDS | {"better": "supervised"}
    sheet = dataset_sheet(summary, "one", LABELS, kinds, METRICS)
    assert sheet.table["method"].tolist() == ["worse", "gone", "better", "low"]
    lines = to_markdown(sheet).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:8]] == [
        "| Worse_1",
        "| Gone",
        "| *Given the cell types, not ranked*",
        r"| Better \| best",
        "| *Controls*",
        "| Low & flat",
    ]
    assert "**" not in lines[5]
    assert lines[2].startswith("| Worse_1 | **0.500** ± 0.010 |")
    assert to_latex(sheet).count(r"\midrule") == 3
    overall = overall_sheet(summary, LABELS, kinds).table.set_index("method")
    assert overall["rank"].isna().to_dict() == {"worse": False, "gone": True, "better": True, "low": True}


def test_equal_printed_values_are_both_best(summary):
    summary.loc[summary.eval("method == 'worse' and metric == 'nmi_leiden_best'"), "mean"] = 0.7501
    assert to_markdown(one_sheet(summary)).count("**0.750**") == 3


def test_the_overall_table_counts_datasets_and_ranks_only_methods(summary):
    table = overall_sheet(summary, LABELS, KINDS).table.set_index("method")
    assert table.loc["better", ["total_one", "total", "rank", "n_datasets"]].tolist() == pytest.approx(
        [0.55, 0.55, 1, 1]
    )
    assert table.loc["gone", "n_datasets"] == 0
    assert table.loc[["gone", "low"], "rank"].isna().all()
    assert "| Total on one |" in to_markdown(overall_sheet(summary, LABELS, KINDS))


def test_the_overall_table_tells_where_an_embedding_of_cell_types_would_stand_and_where_no_total_is(summary):
    summary = summary.replace({"method": {"low": "cell_type_oracle"}})
    kinds = {"cell_type_oracle": "control", "worse": "method", "better": "method", "gone": "method"}
    labels = LABELS | {"cell_type_oracle": "Cell type oracle"}
    unlabelled = summary.assign(dataset="two", mean=np.nan, n_seeds=0)
    notes = overall_sheet(pd.concat([summary, unlabelled]), labels, kinds).notes
    assert any(
        "Cell type oracle, which keeps nothing but cell types, would have rank 1 of 3 by" in note for note in notes
    )
    assert any(
        note.startswith("No method has a total on two: datasets with one batch have none, and those without")
        for note in notes
    )
    assert not any("No method" in note for note in overall_sheet(summary, labels, kinds).notes)


def test_tsv_holds_the_raw_means(summary, tmp_path):
    found = sheets(summary, labels=LABELS, kinds=KINDS, metrics=METRICS)
    assert list(found) == ["one", "overall"]
    write_sheet(found["one"], {suffix: tmp_path / f"one.{suffix}" for suffix in ("tsv", "md", "tex")})
    assert {path.name for path in tmp_path.iterdir()} == {"one.tsv", ".one.tsv.sha256", "one.md", "one.tex"}
    assert (tmp_path / "one.md").read_text() == to_markdown(one_sheet(summary))
    assert (tmp_path / "one.tex").read_text() == to_latex(one_sheet(summary))
    table = pd.read_csv(tmp_path / "one.tsv", sep="\t").set_index("method")
    assert table.loc["better", "total"] == 0.6 * 0.75 + 0.4 * 0.25
    assert table["made_up"].isna().all()


def test_names_such_as_NA_are_text_and_empty_cells_of_numbers_are_missing(tmp_path):
    table = pd.DataFrame({"batch": ["NA", "nan", ""], "value": [1.0, None, 3.0]})
    write_table(tmp_path / "table.tsv", table)
    back = read_table(tmp_path / "table.tsv", text=["batch", "absent"])
    assert back["batch"].tolist() == ["NA", "nan", ""]
    assert back["value"].isna().tolist() == [False, True, False]
