"""Every figure is written as SVG and PNG with the table of what it drew, and is not blank."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from scbench.analyses.self_training import analyse
from scbench.analyses.umap import umap_table
from scbench.files import SCORE_COLUMNS, write_table
from scbench.metric_learning.self_training import ROUND_COLUMNS
from scbench.ranking.summary import summarise
from scbench.report import bio_batch, scaling
from scbench.report.figures import OKABE_ITO, category_colours, save
from scbench.report.runtime import runtime_figure, runtime_table
from scbench.report.self_training import gather
from scbench.report.table_figure import draw_all
from scbench.report.tables import overall_sheet
from scbench.report.umap_grid import umap_figure
from scbench.runner import FinishedRun
from scbench.types import HISTORY_COLUMNS

KINDS = {"a": "method", "b": "baseline", "low": "control", "high": "control"}
APART = {"low": "control", "given": "supervised", "a": "method"}
LABELS = {"a": "Method A", "b": "Baseline B", "low": "Low", "high": "High", "given": "Given types"}
METRICS = {"bio": ["nmi_leiden_best"], "batch": ["ilisi"], "extra": ["ari_leiden_r1"]}


def files(stem: Path) -> dict[str, Path]:
    return {suffix: stem.with_suffix(f".{suffix}") for suffix in ("svg", "png", "tsv")}


def draw_scores(folder: Path, kinds, summary: pd.DataFrame) -> None:
    drawn = draw_all(summary, labels=LABELS, kinds=kinds, metrics=METRICS)
    assert list(drawn) == ["one", "overall"]
    for name, (figure, table) in drawn.items():
        save(figure, files(folder / f"scores_{name}"), table)


def assert_drawn(stem: Path) -> pd.DataFrame:
    """Check that the three files of a figure are there and drawn; return the table."""
    pixels = matplotlib.image.imread(stem.with_suffix(".png"))
    assert pixels[..., :3].std() > 0.01
    assert stem.with_suffix(".svg").read_text().count("<path") > 10
    return pd.read_csv(stem.with_suffix(".tsv"), sep="\t")


def make_summary(*, labelled: bool = True, kinds=KINDS) -> pd.DataFrame:
    rows = []
    for position, method in enumerate(kinds):
        for group, metrics in METRICS.items():
            for seed in (0, 1):
                ok = labelled or group == "batch"
                value = 0.2 * position + 0.1 * seed if ok else np.nan
                rows.append(
                    ("one", method, seed, metrics[0], group, value, *(("ok", "") if ok else ("failed", "x")), "made up")
                )
    return summarise(pd.DataFrame(rows, columns=SCORE_COLUMNS), kinds, {"bio": 0.6, "batch": 0.4})


def test_the_table_figures_keep_the_raw_means_they_drew(tmp_path):
    draw_scores(tmp_path, KINDS, make_summary())
    table = assert_drawn(tmp_path / "scores_one")
    assert list(table.columns) == ["method", "label", "kind", "nmi_leiden_best", "ilisi", "bio", "batch", "total"]
    assert table["method"].tolist() == ["b", "a", "high", "low"]
    assert table["ilisi"].tolist() == pytest.approx([0.25, 0.05, 0.65, 0.45])
    overall = assert_drawn(tmp_path / "scores_overall")
    assert list(overall.columns) == ["method", "label", "kind", "total_one", "bio", "batch", "total", "total_robust"]


@pytest.mark.parametrize("kinds", [{"a": "method"}, {"low": "control"}, APART])
@pytest.mark.parametrize("labelled", [True, False])
def test_the_table_figures_stand_without_totals_controls_or_methods(tmp_path, kinds, labelled):
    draw_scores(tmp_path, kinds, make_summary(labelled=labelled, kinds=kinds))
    assert assert_drawn(tmp_path / "scores_one")["total"].notna().all() == labelled


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for folder in ("first", "second"):
        draw_scores(tmp_path / folder, KINDS, make_summary())
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_bio_conservation_stands_against_batch_correction_with_the_spread_over_seeds(tmp_path):
    summary = make_summary()
    tables = {"summary": summary, "overall": overall_sheet(summary, LABELS, KINDS).table}
    figure, drawn = bio_batch.draw(tables, LABELS)
    save(figure, files(tmp_path / "bio_batch"), drawn)
    table = assert_drawn(tmp_path / "bio_batch").set_index("method")
    assert table.loc["b", ["bio", "batch"]].tolist() == pytest.approx([0.25, 0.25])
    assert table.loc["b", ["bio_sd", "batch_sd"]].tolist() == pytest.approx([0.1 / 2**0.5] * 2)
    assert [axes.get_title() for axes in figure.axes] == ["one"]
    assert table["kind"].to_dict() == KINDS


def test_several_datasets_also_have_a_panel_of_their_means_and_those_without_types_have_none():
    summary = pd.concat(
        [make_summary(), make_summary().assign(dataset="two"), make_summary(labelled=False).assign(dataset="plain")]
    )
    tables = {"summary": summary, "overall": overall_sheet(summary, LABELS, KINDS).table}
    figure, drawn = bio_batch.draw(tables, LABELS)
    assert [axes.get_title() for axes in figure.axes] == ["Mean over datasets", "one", "two"]
    assert drawn.groupby("dataset").size().to_dict() == {"Mean over datasets": 4, "one": 4, "two": 4}
    summary = make_summary(labelled=False)
    tables = {"summary": summary, "overall": overall_sheet(summary, LABELS, KINDS).table}
    assert bio_batch.draw(tables, LABELS)[0].axes[0].texts[0].get_text() == "No method has both parts of the total"


def test_costs_stand_against_the_number_of_cells(tmp_path):
    runs = [("one", "a", 0, 10.0, 9.0, 100.0), ("one", "a", 1, 30.0, 9.0, 100.0), ("two", "a", 0, 40.0, 9.0, np.nan)]
    resources = pd.DataFrame(runs, columns=["dataset", "method", "seed", "seconds", "cpu_seconds", "max_rss_mb"])
    datasets = pd.DataFrame({"dataset": ["one", "two"], "cells": [500, 100]})
    figure, drawn = scaling.draw({"resources": resources, "datasets": datasets}, LABELS)
    save(figure, files(tmp_path / "scaling"), drawn)
    assert assert_drawn(tmp_path / "scaling")[["cells", "seconds"]].to_numpy().tolist() == [[100, 40], [500, 20]]
    assert [len(axes.lines[0].get_xdata()) for axes in figure.axes] == [2, 1]
    scaling.draw({"resources": resources.head(0), "datasets": datasets}, LABELS)[0].savefig(tmp_path / "empty.png")


def test_run_times_are_drawn_fastest_method_first_and_unmeasured_memory_is_left_out(tmp_path):
    columns = ["dataset", "method", "seed", "seconds", "cpu_seconds", "max_rss_mb"]
    rows = [
        ("one", "a", 0, 100.0, 90.0, 500.0),
        ("one", "a", 1, 120.0, 90.0, np.nan),
        ("two", "b", 0, 0.5, 0.4, np.nan),
    ]
    table = runtime_table(pd.DataFrame(rows, columns=columns), LABELS)
    figure = runtime_figure(table)
    scatters = [[drawn for drawn in axes.collections if isinstance(drawn, PathCollection)] for axes in figure.axes]
    points = [sum(len(drawn.get_offsets()) for drawn in drawn_there) for drawn_there in scatters]
    assert points == [3, 1]
    save(figure, files(tmp_path / "runtime"), table)
    assert assert_drawn(tmp_path / "runtime")["label"].tolist() == ["Baseline B", "Method A", "Method A"]


def test_run_times_stand_without_any_run(tmp_path):
    table = runtime_table(
        pd.DataFrame(columns=["dataset", "method", "seed", "seconds", "cpu_seconds", "max_rss_mb"]), {}
    )
    save(runtime_figure(table), files(tmp_path / "runtime"), table)
    assert (tmp_path / "runtime.png").stat().st_size > 0


def test_the_rounds_of_self_training_are_drawn_and_rejected_ones_are_open_points(tmp_path):
    epochs = [(epoch, "triplets", 50 / (epoch + 1)) for epoch in range(4)]
    write_table(tmp_path / "history", pd.DataFrame([*epochs, (0, "triplet_loss", 1.0)], columns=HISTORY_COLUMNS))
    rounds = [(0, 0, 4, np.nan, True), (1, 2, 5, 0.7, False)]
    write_table(tmp_path / "rounds", pd.DataFrame(rounds, columns=ROUND_COLUMNS))
    one = analyse(FinishedRun({name: tmp_path / name for name in ("history", "rounds")}, seed=0))["self_training"]
    assert one.groupby("term")["value"].apply(list).to_dict() == {
        "triplets": [value for _, _, value in epochs],
        "clusters": [4, 5],
        "ari_to_last_round": [0.7],
        "accepted": [1, 0],
    }
    assert one[one["term"] == "accepted"]["epoch"].tolist() == [0, 2]
    table = pd.concat([one.assign(dataset="one", method="a", seed=seed) for seed in (0, 10)], ignore_index=True)
    figure = gather(table, LABELS)
    clusters, agreement, triplets = figure.axes
    assert clusters.get_ylabel() == "one\nMethod A"
    assert [len(axes.collections) for axes in (clusters, agreement, triplets)] == [2, 2, 0]
    assert clusters.collections[0].get_facecolor()[:, :3].mean(axis=1).tolist()[1] == 1
    assert clusters.collections[0].get_facecolor()[:, :3].mean(axis=1).tolist()[0] < 1
    save(figure, files(tmp_path / "self_training"), table)
    assert "triplet_loss" not in set(assert_drawn(tmp_path / "self_training")["term"])


def test_umap_keeps_apart_what_is_apart_and_draws_both_columns(tmp_path):
    random = np.random.default_rng(0)
    group = np.repeat([0, 1], 25)
    truth = pd.DataFrame(
        {"cell_id": [f"c{i}" for i in range(50)], "batch": "x", "cell_type": np.array(["s", "t"])[group]}
    )
    embedding = (20 * group[:, None] + random.normal(size=(50, 3))).astype(np.float32)
    table = umap_table({"a": embedding}, truth)
    assert len(table) == 50
    xy = table[["umap_1", "umap_2"]].to_numpy()
    centres = np.array([xy[group == g].mean(0) for g in (0, 1)])
    nearest = ((xy[:, None] - centres) ** 2).sum(-1).argmin(1)
    assert (nearest == group).all()
    figure = umap_figure(table, LABELS)
    assert [axes.get_title() for axes in figure.axes] == ["Cell type", "Batch"]
    save(figure, files(tmp_path / "umap"), table)
    assert_drawn(tmp_path / "umap")


def test_umap_of_unlabelled_cells_shows_the_batch_only():
    cells = {"method": "a", "cell_id": ["c", "d"], "umap_1": [0, 1], "umap_2": 0, "batch": "x", "cell_type": ""}
    assert [axes.get_title() for axes in umap_figure(pd.DataFrame(cells), LABELS).axes] == ["Batch"]


def test_every_category_has_its_own_colour_and_no_category_is_grey():
    few, many = category_colours(["", "t", "u"]), category_colours([f"t{i}" for i in range(20)])
    assert [few["t"], few["u"]] == OKABE_ITO[:2]
    assert few[""] not in OKABE_ITO
    assert len(set(many.values())) == 21
