"""The figures of a paper on made-up tables, and its folder with numbers and captions."""

import numpy as np
import pandas as pd
import pytest

from scbench.analyses.gene_vectors import analyse
from scbench.files import write_table
from scbench.plan import ablations, plan_runs, reported_kinds
from scbench.registry import load_registry
from scbench.report import ablation, annotation, disentanglement, gene_vectors
from scbench.report.paper import Item, write_paper
from scbench.runner import FinishedRun
from scbench.types import HISTORY_COLUMNS, ConfigError

LABELS = {"a": "Method A", "a_plain": "1: plain"}
EVIDENCE = [
    *[("batch", "pca", 1.0, 0.5), ("batch", "z_bio", 0.6, 0.5), ("batch", "z_batch", 0.9, 0.5)],
    *[("batch", "cell_type", 0.55, 0.5), ("cell_type", "pca", 0.8, 0.25), ("cell_type", "z_bio", 0.7, 0.25)],
    *[("cell_type", "z_batch", 0.3, 0.25), ("cross_correlation", "z_bio, z_batch", 0.1, None)],
    *[("counterfactual", "0>1", 0.8, None), ("counterfactual", "1>0", 0.6, None)],
]


def probes() -> pd.DataFrame:
    """The gathered probes of two methods on two datasets with two seeds."""
    table = pd.DataFrame(EVIDENCE, columns=["measure", "of", "value", "chance"])
    runs = [(dataset, method, seed) for dataset in ("one", "two") for method in LABELS for seed in (0, 1)]
    tables = [table.assign(dataset=dataset, method=method, seed=seed) for dataset, method, seed in runs]
    return disentanglement.gather(pd.concat(tables, ignore_index=True), LABELS)


def summary() -> pd.DataFrame:
    rows = [
        (dataset, method, "total", metric, 0.1 * place, 0.01)
        for dataset in ("one", "two")
        for place, method in enumerate([*LABELS, "other"])
        for metric in ("bio", "batch", "total", "equal_total")
    ]
    return pd.DataFrame(rows, columns=["dataset", "method", "group", "metric", "mean", "sd"])


def test_the_evidence_of_a_run_is_put_into_one_row():
    table = probes()
    assert len(table) == 8
    row = table.iloc[0]
    assert row[["dataset", "method", "seed"]].tolist() == ["one", "a", 0]
    assert row[["batch_from_z_bio", "batch_from_z_batch", "cell_type_from_z_bio"]].tolist() == [0.6, 0.9, 0.7]
    assert row[["batch_from_cell_type", "batch_chance", "cell_type_chance"]].tolist() == [0.55, 0.5, 0.25]
    assert row[["cross_correlation", "counterfactual"]].tolist() == pytest.approx([0.1, 0.7])


def test_without_cell_types_only_the_probes_of_the_batch_are_there():
    table = pd.DataFrame(EVIDENCE[:3], columns=["measure", "of", "value", "chance"])
    table = disentanglement.gather(table.assign(dataset="one", method="a", seed=0), LABELS)
    assert table["batch_from_z_bio"].tolist() == [0.6]
    assert table["cell_type_chance"].isna().all()
    assert not ablation.draw({"summary": summary(), "disentanglement": table}, LABELS, ["a"])[1].empty


def test_an_ablation_has_a_panel_per_measure_and_a_row_per_variant(tmp_path):
    figure, drawn = ablation.draw({"summary": summary(), "disentanglement": probes()}, LABELS, ["a_plain", "a"])
    assert [axes.get_title() for axes in figure.axes] == [
        *["Total", "Bio conservation", "Batch correction"],
        *["Batch from z_bio", "Batch from z_batch", "Cell type from z_bio"],
    ]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["1: plain", "Method A"]
    assert set(drawn["method"]) == {"a", "a_plain"}
    values = drawn[(drawn["measure"] == "batch_from_z_bio") & (drawn["method"] == "a")]
    assert values["mean"].tolist() == pytest.approx([0.6, 0.6])
    figure.savefig(tmp_path / "drawn.png")
    figure, _ = ablation.draw({"summary": summary()}, LABELS, ["a_plain", "a"])
    assert len(figure.axes) == 3, "no probes without that analysis"


def test_gene_vectors_are_compared_by_the_lowest_error_at_hidden_genes_of_held_out_cells(tmp_path):
    history = [
        (0, "masked", 0.1),
        (0, "held_out_masked", 0.9),
        (1, "held_out_masked", 0.7),
        (2, "held_out_masked", 0.8),
    ]
    write_table(tmp_path / "history", pd.DataFrame(history, columns=HISTORY_COLUMNS))
    table = analyse(FinishedRun({"history": tmp_path / "history"}, seed=0))["gene_vectors"]
    assert table.to_numpy().tolist() == [[1, 0.7]]
    write_table(tmp_path / "history", pd.DataFrame(history[:1], columns=HISTORY_COLUMNS))
    assert not len(analyse(FinishedRun({"history": tmp_path / "history"}, seed=0))["gene_vectors"])
    runs = [("one", "a", 0, 0.7), ("one", "a_plain", 0, 0.8), ("one", "a", 1, 0.6), ("two", "a", 0, 0.9)]
    figure = gene_vectors.gather(pd.DataFrame(runs, columns=["dataset", "method", "seed", "error"]), LABELS)
    assert [axes.get_title() for axes in figure.axes] == ["one", "two"]
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [2, 1]
    figure.savefig(tmp_path / "drawn.png")


def test_the_classifier_on_the_trunk_is_drawn_beside_logistic_regression(tmp_path):
    rows = [("one", "a", seed, name, 3, 0.5) for seed in (0, 1) for name in ("gene_transformer", "logistic_regression")]
    table = pd.DataFrame(rows, columns=["dataset", "method", "seed", "annotator", "held_out_parts", "macro_f1"])
    figure, drawn = annotation.draw({"annotation": table}, LABELS)
    assert len(drawn) == 4
    offsets = [np.unique(points.get_offsets()[:, 1]) for points in figure.axes[0].collections[:2]]
    assert len(offsets[0]) == len(offsets[1]) == 1
    assert offsets[0] != offsets[1], "the two annotators are beside each other"
    figure.savefig(tmp_path / "drawn.png")


def test_the_folder_holds_numbered_copies_and_the_readme_their_captions(tmp_path):
    names = ["overall.md", "overall.tsv", "ranking.png", "ranking.svg", "runtime.png"]
    for name in names:
        (tmp_path / name).write_text(name)
    stems = {name.split(".")[0] for name in names}
    files = {stem: [str(tmp_path / name) for name in names if name.startswith(stem)] for stem in stems}
    items = [
        Item("table", "Totals", "All totals.", files["overall"], "summary/summary.tsv"),
        Item("figure", "Ranking", "The ranking.\n", files["ranking"], "summary/overall.tsv"),
        Item("figure", "Run time", "Seconds.", files["runtime"], "summary/resources.tsv"),
    ]
    write_paper(tmp_path / "paper", items, {"Ablations": "none"}, about="Two datasets.")
    assert sorted(path.name for path in (tmp_path / "paper").iterdir()) == [
        *["README.md", "figure_01_ranking.png", "figure_01_ranking.svg", "figure_02_runtime.png"],
        *["table_01_overall.md", "table_01_overall.tsv"],
    ]
    assert (tmp_path / "paper/figure_02_runtime.png").read_text() == "runtime.png"
    readme = (tmp_path / "paper/README.md").read_text()
    assert "| Figure 2 | Run time | [png](figure_02_runtime.png) | summary/resources.tsv |" in readme
    assert "## Figure 1. Ranking\n\nThe ranking.\n\n![Ranking](figure_01_ranking.png)\n" in readme
    assert "## Table 1. Totals\n\nAll totals.\n\noverall.md\n" in readme, "a table is shown"
    assert readme.endswith("## Left out\n\n- Ablations: none\n")


# ---- ablations


def test_ablations_are_run_but_not_ranked_and_grouped_by_their_method(config):
    registry = load_registry(config["methods"])
    variants = ["disentangled_ae_plain", "scdml_random", "disentangled_ae_mmd"]
    config["benchmark"] |= {"methods": ["unintegrated", "disentangled_ae"], "ablations": variants, "controls": []}
    planned = list(dict.fromkeys(run.method for run in plan_runs(config, registry)))
    assert planned == ["unintegrated", "disentangled_ae", *variants]
    kinds = reported_kinds(config, registry)
    assert {name: kinds[name] for name in planned} == {
        **{"unintegrated": "baseline", "disentangled_ae": "method"},
        **dict.fromkeys(variants, "ablation"),
    }
    assert ablations(config, registry) == {
        "disentangled_ae": ["disentangled_ae_plain", "disentangled_ae_mmd", "disentangled_ae"],
        "scdml": ["scdml_random"],
    }


def test_a_method_that_is_also_an_ablation_stays_ranked(config):
    config["benchmark"] |= {"methods": ["scdml"], "ablations": ["scdml", "scdml_random"]}
    registry = load_registry(config["methods"])
    assert reported_kinds(config, registry)["scdml"] == "method"
    assert ablations(config, registry) == {"scdml": ["scdml", "scdml_random"]}


def test_an_unknown_ablation_is_refused(config):
    config["benchmark"]["ablations"] = ["scdml_rnadom"]
    with pytest.raises(ConfigError, match=r"benchmark\.ablations: 'scdml_rnadom' is not declared"):
        plan_runs(config, load_registry(config["methods"]))
