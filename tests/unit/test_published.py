"""Published scores beside ours."""

import pandas as pd
import pytest
import yaml
from conftest import ROOT

from scbench.config import load_config
from scbench.registry import load_registry
from scbench.report.published import compare, notes, published_datasets, read_published, shown

FOLDER = ROOT / "config/published"
VALUES = [
    ("scib_2022", "made_up", "pancreas", "harmony", "harmony_embed", "unscaled", 0.9, 0.3),
    ("scib_2022", "made_up", "pancreas", "", "fastmnn_embed", "unscaled", 0.8, None),
    ("scib_2022", "elsewhere", "lung", "harmony", "harmony_embed", "unscaled", 0.7, 0.2),
]
COLUMNS = [
    "source",
    "dataset",
    "published_dataset",
    "method",
    "published_method",
    "setting",
    "nmi_leiden_best",
    "ilisi",
]


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = [
        ("made_up", "harmony", "bio", "nmi_leiden_best", 0.85, 0.01, 3),
        ("other", "harmony", "batch", "ilisi", 0.1, 0.0, 3),
    ]
    return pd.DataFrame(rows, columns=["dataset", "method", "group", "metric", "mean", "sd", "n_seeds"])


def test_published_values_stand_beside_ours_where_dataset_and_method_are_the_same(summary):
    table = compare(pd.DataFrame(VALUES, columns=COLUMNS), summary, {"harmony": "Harmony"})
    assert set(table["dataset"]) == {"made_up"}
    row = table.set_index(["label", "metric"]).loc[("Harmony", "nmi_leiden_best")]
    assert row[["published", "ours", "difference"]].tolist() == pytest.approx([0.9, 0.85, -0.05])
    assert table.set_index(["label", "metric"])["ours"].isna().to_dict() == {
        ("Harmony", "nmi_leiden_best"): False,
        ("Harmony", "ilisi"): True,
        ("fastmnn_embed", "nmi_leiden_best"): True,
    }
    cells = shown(table, {"scib_2022": {"label": "scIB"}})
    assert cells.to_dict("records") == [
        {"dataset": "made_up", "method": "Harmony", "source": "scIB", "setting": "unscaled", "NMI": "0.900 / 0.850"}
    ]


def test_without_a_dataset_in_common_the_table_is_empty(summary):
    table = compare(pd.DataFrame(VALUES[2:], columns=COLUMNS), summary, {})
    assert not len(table)
    assert not len(shown(table, {}))


def test_every_source_says_how_its_protocol_differs():
    values, sources = read_published(FOLDER)
    paragraphs = notes(sources, set(values["source"]))
    assert len(paragraphs) == len(sources) == 3
    assert all("\n" not in paragraph for paragraph in paragraphs)


def test_the_values_are_within_the_range_of_their_metrics_and_stand_once():
    values, _ = read_published(FOLDER)
    numbers = values.select_dtypes("number")
    assert numbers.min().min() > -0.01
    assert numbers.max().max() <= 1
    assert not values.duplicated(["source", "dataset", "published_method", "setting"]).any()


def test_ids_are_those_of_the_configuration():
    values, _ = read_published(FOLDER)
    paper = yaml.safe_load((ROOT / "config/paper.yaml").read_text())["datasets"]
    assert {"scib_pancreas", "scib_lung", "scib_sim1", "scdml_mammary"} <= set(paper) & published_datasets(FOLDER)
    ours = load_registry(load_config(ROOT / "config", {})["methods"])
    assert set(values["method"]) - {""} <= set(ours)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("sources.yaml", ("protocol:", "protocoll:"), "scib_2022 needs label, citation, file, protocol, difference"),
        ("values.tsv", ("kbet", "kbert"), "kbert is no metric"),
    ],
)
def test_a_mistake_in_the_files_is_named(tmp_path, file, change, words):
    for name in ("sources.yaml", "values.tsv"):
        text = (FOLDER / name).read_text()
        (tmp_path / name).write_text(text.replace(*change, 1) if name == file else text)
    with pytest.raises(ValueError, match=words):
        read_published(tmp_path)
