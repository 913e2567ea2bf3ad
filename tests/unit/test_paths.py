"""One place knows where everything lies, and no two things lie in the same place."""

import itertools

import pytest

from scbench.config_checks import RESERVED_IDS
from scbench.paths import Paths

AT = Paths("results")


def test_the_folders_are_those_of_the_documentation():
    assert AT.data("lung", "raw.h5ad") == "results/lung/raw.h5ad"
    assert AT.gene_knowledge("lung", "node2vec.npz") == "results/lung/gene_knowledge/node2vec.npz"
    assert AT.run("lung", "scdml", 3, "scores.tsv") == "results/lung/scdml/seed3/scores.tsv"
    assert AT.log("summarise") == "results/logs/summarise.log"
    assert AT.log("lung", "prepare") == "results/logs/lung/prepare.log"
    assert AT.run_log("lung", "scdml", 3, "integrate") == "results/logs/lung/scdml/seed3/integrate.log"
    assert AT.summary("overall.tsv") == "results/summary/overall.tsv"
    assert AT.partial("overall.tsv") == "results/partial/overall.tsv"
    assert AT.table("overall.md") == "results/tables/overall.md"
    assert AT.figure("ranking.svg") == "results/figures/ranking.svg"
    assert AT.coverage == "results/summary/coverage.tsv"
    assert AT.config == "results/config.yaml"


def test_wildcards_of_snakemake_pass_through():
    run = {"dataset": "{dataset}", "method": "{method}", "seed": "{seed}"}
    assert AT.run(**run, name="history.tsv") == "results/{dataset}/{method}/seed{seed}/history.tsv"
    assert AT.run_log(**run, step="score") == "results/logs/{dataset}/{method}/seed{seed}/score.log"
    filled = AT.run(**run, name="history.tsv").format(dataset="lung", method="scdml", seed=3)
    assert filled == AT.run("lung", "scdml", 3, "history.tsv")


@pytest.mark.parametrize(
    ("trained", "tables", "names"),
    [
        (False, [], {"embedding": "embedding.h5ad"}),
        (True, [], {"embedding": "embedding.h5ad", "history": "history.tsv", "model": "model.pt"}),
        (False, ["rounds"], {"embedding": "embedding.h5ad", "rounds": "rounds.tsv"}),
        (
            True,
            ["rounds", "edges"],
            {
                **{"embedding": "embedding.h5ad", "history": "history.tsv", "model": "model.pt"},
                **{"rounds": "rounds.tsv", "edges": "edges.tsv"},
            },
        ),
    ],
)
def test_a_run_writes_a_model_and_a_history_if_it_is_trained_and_the_tables_it_declares(trained, tables, names):
    files = AT.run_files("lung", "scdml", 3, trained=trained, tables=tables)
    assert files == {name: f"results/lung/scdml/seed3/{file}" for name, file in names.items()}


def test_every_folder_beside_those_of_the_datasets_is_a_reserved_id():
    others = [AT.summary("x"), AT.partial("x"), AT.table("x"), AT.figure("x"), AT.log("x")]
    assert {path.split("/")[1] for path in others} <= set(RESERVED_IDS)


def test_no_two_things_lie_in_the_same_place():
    names = ["x.tsv", "y.tsv"]
    places = [
        *(AT.data(dataset, name) for dataset, name in itertools.product(("a", "b"), names)),
        *(AT.gene_knowledge("a", name) for name in names),
        *(AT.run("a", *run, name) for run, name in itertools.product([("m", 0), ("m", 1), ("n", 0)], names)),
        *(place(name) for place, name in itertools.product((AT.summary, AT.partial, AT.table, AT.figure), names)),
        *(AT.log("x"), AT.log("a", "x"), AT.run_log("a", "m", 0, "x"), AT.run_log("a", "m", 1, "x")),
        *(AT.coverage, AT.config),
    ]
    assert len(set(places)) == len(places)
