"""Plain tables, and the table of the datasets."""

import pandas as pd

from scbench.datasets.describe import describe
from scbench.report.plain import write_plain


def test_a_table_is_written_with_its_values_and_shown_with_three_decimals(tmp_path):
    table = pd.DataFrame(
        {"data_set": ["a_b", "c|d"], "cells": [10, 20000], "score": [1.0, 0.12345], "types": [3, None]}
    )
    files = {suffix: tmp_path / f"t.{suffix}" for suffix in ("tsv", "md", "tex")}
    write_plain(table, files)
    assert pd.read_csv(files["tsv"], sep="\t")["score"].tolist() == [1.0, 0.12345]
    heading, rules, *rows = files["md"].read_text().splitlines()
    assert heading == "| Data set | Cells | Score | Types |"
    assert rules == "| --- | ---: | ---: | ---: |"
    assert rows == ["| a_b | 10 | 1.000 | 3 |", "| c\\|d | 20000 | 0.123 | \N{EN DASH} |"]
    assert r"a\_b & 10 & 1.000 & 3 \\" in files["tex"].read_text()
    assert r"\begin{tabular}{lrrr}" in files["tex"].read_text()


def test_what_is_shown_may_differ_from_what_is_kept(tmp_path):
    write_plain(pd.DataFrame({"x": [0.5]}), {"md": tmp_path / "t.md"}, pd.DataFrame({"share": ["50 %"]}))
    assert "50 %" in (tmp_path / "t.md").read_text()
    assert list(tmp_path.iterdir()) == [tmp_path / "t.md"]


def test_a_dataset_is_described_in_numbers():
    truth = pd.DataFrame({"batch": ["x", "x", "y"], "cell_type": ["s", "t", "t"]})
    expected = {"cells": 3, "genes": 7, "batches": 2, "smallest_batch": 1, "cell_types": 2, "smallest_cell_type": 1}
    assert describe(7, truth, "all cells") == {**expected, "selection": "all cells"}
    assert describe(7, truth.assign(cell_type=""), "")["cell_types"] is None
