"""Every figure is written as SVG and PNG with the table of what it drew, and is not blank."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.text import Text

from scbench.analyses.projection import project, projection_table
from scbench.analyses.self_training import analyse
from scbench.files import SCORE_COLUMNS, write_table
from scbench.metric_learning.self_training import ROUND_COLUMNS
from scbench.ranking.summary import summarise
from scbench.ranking.uncertainty import dataset_totals, overall_table, rank_tests
from scbench.report import bio_batch, scaling
from scbench.report.figures import OKABE_ITO, category_colours, save
from scbench.report.projection_grid import grid_table, projection_figure
from scbench.report.ranking import draw_ranking
from scbench.report.runtime import runtime_figure, runtime_table
from scbench.report.self_training import gather
from scbench.report.table_figure import draw_all
from scbench.report.tables import overall_sheet
from scbench.runner import FinishedRun
from scbench.types import HISTORY_COLUMNS

KINDS = {"a": "method", "b": "baseline", "low": "control", "high": "control"}
APART = {"low": "control", "given": "supervised", "a": "method"}
LABELS = {"a": "Method A", "b": "Baseline B", "low": "Low", "high": "High", "given": "Given types"}
METRICS = {"bio": ["nmi_leiden_best"], "batch": ["ilisi"], "extra": ["ari_leiden_r1"]}


def files(stem: Path) -> dict[str, Path]:
    return {suffix: stem.with_suffix(f".{suffix}") for suffix in ("svg", "png", "pdf", "tsv")}


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
    overall = pd.DataFrame({"method": ["a", "low"], "kind": ["method", "control"]})
    resources = pd.concat([resources, resources.head(1).assign(method="low")])
    figure, drawn = scaling.draw({"resources": resources, "datasets": datasets, "overall": overall}, LABELS)
    save(figure, files(tmp_path / "scaling"), drawn)
    assert assert_drawn(tmp_path / "scaling")[["cells", "seconds"]].to_numpy().tolist() == [[100, 40], [500, 20]]
    assert [len(axes.lines[0].get_xdata()) for axes in figure.axes] == [2, 1]
    scaling.draw({"resources": resources.head(0), "datasets": datasets, "overall": overall}, LABELS)[0].savefig(
        tmp_path / "empty.png"
    )


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
    same = gather(table.replace({"value": {5.0: 4.0}}), LABELS).axes[0]
    assert all(tick == round(tick) for tick in same.get_yticks()), "clusters are counted in whole numbers"


@pytest.mark.parametrize("how", ["umap", "tsne"])
def test_projections_keep_apart_what_is_apart_and_repeat(how):
    random = np.random.default_rng(0)
    group = np.repeat([0, 1], 25)
    X = (20 * group[:, None] + random.normal(size=(50, 3))).astype(np.float32)
    xy = project(X, how)
    centres = np.array([xy[group == g].mean(0) for g in (0, 1)])
    nearest = ((xy[:, None] - centres) ** 2).sum(-1).argmin(1)
    assert (nearest == group).all()
    assert np.array_equal(xy, project(X, how))


def test_extreme_values_are_projected():
    X = np.random.default_rng(0).normal(size=(40, 3))
    for factor in (1e30, 1e-30, 0):
        assert np.isfinite(project((factor * X).astype(np.float32))).all()


def test_an_embedding_of_one_dimension_and_equal_cells_are_projected():
    for X in (np.arange(40.0)[:, None], np.repeat([[0.0, 1.0], [5.0, 3.0]], 20, axis=0)):
        xy = project(X.astype(np.float32))
        assert xy.shape == (40, 2)
        assert np.isfinite(xy).all()
        assert np.ptp(xy, axis=0).min() > 0.1


def test_all_runs_on_a_large_dataset_show_the_same_sample_of_cells(monkeypatch):
    monkeypatch.setattr("scbench.analyses.projection.MAX_CELLS", 30)
    cells = pd.Index([f"c{i}" for i in range(50)])
    tables = [
        projection_table(np.random.default_rng(seed).normal(size=(50, 3)), cells, how="umap", dataset="one")
        for seed in (0, 1)
    ]
    assert len(tables[0]) == 30
    assert tables[0]["cell_id"].tolist() == tables[1]["cell_id"].tolist()
    assert list(tables[0].columns) == ["cell_id", "x", "y"]


def projections(n_methods: int, n_types: int, n_batches: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    truth = pd.DataFrame({"cell_id": [f"c{i}" for i in range(80)]})
    truth["batch"] = [f"batch {i % n_batches}" for i in range(80)]
    truth["cell_type"] = [f"type {i % n_types} with a rather long name" if n_types else "" for i in range(80)]
    xy = [
        pd.DataFrame({"cell_id": truth["cell_id"], "x": x, "y": y}) for x, y in random.normal(size=(n_methods, 2, 80))
    ]
    return grid_table({f"m{i}": table for i, table in enumerate(xy)}, truth)


@pytest.mark.parametrize(
    ("n_methods", "n_types", "n_batches"), [(1, 2, 2), (3, 0, 2), (12, 8, 3), (20, 20, 10), (20, 40, 40)]
)
def test_projections_fill_a_landscape_page_and_nothing_overlaps(tmp_path, n_methods, n_types, n_batches):
    labels = {f"m{i}": f"Method {i} with a long name, $conditional_" for i in range(n_methods)}
    figure = projection_figure(projections(n_methods, n_types, n_batches), labels)
    save(figure, files(tmp_path / "projection"), pd.DataFrame({"x": [0]}))
    width, height = figure.get_size_inches()
    assert width <= 11.1
    assert height <= 7.7
    assert n_methods < 4 or width > height
    assert len(figure.axes) == n_methods * (2 if n_types else 1)
    assert_no_text_overlaps(figure, apart_from_panels=True)


def test_no_text_overlaps_with_20_methods_on_10_datasets():
    random = np.random.default_rng(0)
    kinds = {f"m{i}": "method" for i in range(20)} | {"low": "control", "given": "supervised"}
    labels = {name: f"Method number {i}, conditional" for i, name in enumerate(kinds)}
    metrics = {
        "bio": ["nmi_leiden_best", "silhouette_cell_type"],
        "batch": ["ilisi", "graph_connectivity"],
        "extra": [],
    }
    runs = [(f"dataset_number_{i}", method, seed) for i in range(10) for method in kinds for seed in (0, 1)]
    listed = [(name, group) for group, names in metrics.items() for name in names]
    rows = [(*run, *metric, random.uniform(), "ok", "", "made up") for run in runs for metric in listed]
    summary = summarise(pd.DataFrame(rows, columns=SCORE_COLUMNS), kinds, {"bio": 0.6, "batch": 0.4}, "min_max")
    tests = rank_tests(dataset_totals(summary, kinds))
    drawn = draw_all(summary, labels=labels, kinds=kinds, metrics=metrics)
    columns = ["dataset", "method", "seed", "seconds", "cpu_seconds", "max_rss_mb"]
    costs = [(*run, random.uniform(1, 1000), 1.0, random.uniform(100, 5000)) for run in runs]
    figures = [
        drawn["dataset_number_0"][0],
        drawn["overall"][0],
        draw_ranking(overall_table(summary, kinds), tests, labels=labels)[0],
        runtime_figure(runtime_table(pd.DataFrame(costs, columns=columns), labels)),
    ]
    for figure in figures:
        assert_no_text_overlaps(figure)


def assert_no_text_overlaps(figure, *, apart_from_panels: bool = False) -> None:
    """Check that no text covers another one or the edge of the figure, nor a panel if they are to be apart."""
    figure.draw_without_rendering()
    axes_of_figure = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = [(tick, sorted(axis.get_view_interval())) for axis in axes_of_figure for tick in axis.get_major_ticks()]
    outside = {tick.label1 for tick, (low, high) in ticks if not low <= tick.get_loc() <= high}  # never drawn
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    texts = [text for text in texts if text not in outside]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    panels = [axes.get_window_extent() for axes in figure.axes if apart_from_panels]
    for place, (name, box) in enumerate(boxes):
        assert figure.bbox.padded(1).contains(box.x0, box.y0), name
        assert figure.bbox.padded(1).contains(box.x1, box.y1), name
        assert not any(box.padded(-1).overlaps(panel) for panel in panels), name
        assert not any(box.padded(-1).overlaps(other.padded(-1)) for _, other in boxes[place + 1 :]), name


def test_every_category_has_its_own_colour_and_no_category_is_grey():
    few, many = category_colours(["", "t", "u"]), category_colours([f"t{i}" for i in range(20)])
    assert [few["t"], few["u"]] == OKABE_ITO[:2]
    assert few[""] not in OKABE_ITO
    assert len(set(many.values())) == 21


# Machado et al. 2009, doi 10.1109/TVCG.2009.113: what a reader without one kind of cone sees, in linear RGB
DEFICIENCIES = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", ["normal", *DEFICIENCIES])
@pytest.mark.parametrize(("n_categories", "distance"), [(8, 10), (16, 5)])
def test_the_palette_can_be_told_apart_by_colour_blind_readers(kind, n_categories, distance):
    """Distances in CIELAB; about 2.3 is the smallest that a reader notices."""
    colours = category_colours([f"t{i}" for i in range(n_categories)])
    rgb = np.array([matplotlib.colors.to_rgb(colours[f"t{i}"]) for i in range(n_categories)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(DEFICIENCIES[kind]).T if kind in DEFICIENCIES else linear, 0, 1)
    xyz = seen @ np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]).T
    scaled = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    lab = np.stack(
        [116 * scaled[:, 1] - 16, 500 * (scaled[:, 0] - scaled[:, 1]), 200 * (scaled[:, 1] - scaled[:, 2])], 1
    )
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)[np.triu_indices(n_categories, 1)]
    assert apart.min() > distance
