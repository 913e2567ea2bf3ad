"""The folder of a paper: config/paper_small.yaml at toy size, and what its real size plans."""

import re

import pytest

TOY = {
    "benchmark": {
        "datasets": ["small_balanced"],
        "methods": ["unintegrated", "disentangled_ae"],
        "ablations": ["disentangled_ae_plain", "gene_positions_random"],
        "controls": [],
        "seeds": [0],
        "results": "results",
    },
    "preprocessing": {"n_top_genes": 60, "n_pcs": 10},
    "metrics": {"bio": ["clisi"], "batch": ["ilisi"], "extra": []},
    "methods": {
        "disentangled_ae": {"params": {"epochs": 1}},
        "gene_transformer_plain": {"params": {"epochs": 1}},
    },
    "datasets": {"small_balanced": {"simulate": {"n_cells": 100, "n_genes": 80, "n_types": 3}}},
}
SMALL = "config/paper_small.yaml"


@pytest.fixture(scope="module")
def example(project):
    """The figures and tables of a toy benchmark with one ablation and one source of gene vectors."""
    project.configure(TOY)
    done = project.snakemake("paper", "--configfile", SMALL, "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_every_figure_and_table_is_there_and_linked_from_the_readme(example):
    folder = example.results / "paper"
    readme = (folder / "README.md").read_text()
    linked = set(re.findall(r"\[\w+\]\((\S+)\)", readme))
    assert linked == {path.name for path in folder.glob("[!.]*")} - {"README.md"}
    assert all((folder / name).stat().st_size > 0 for name in linked)
    figures = [
        *["scores_overall", "bio_batch", "ranking", "ablation_disentangled_ae", "ablation_gene_transformer_plain"]
    ]
    figures += ["gene_vectors", "scaling", "umap_small_balanced", "scores_small_balanced"]
    for number, name in enumerate(figures, 1):
        assert {f"figure_{number:02d}_{name}.{suffix}" for suffix in ("svg", "png", "pdf", "tsv")} <= linked
    tables = ["datasets", "overall", "ranking", "claims", "disentanglement", "small_balanced"]
    for number, name in enumerate(tables, 1):
        assert {f"table_{number:02d}_{name}.{suffix}" for suffix in ("md", "tsv", "tex")} <= linked


def test_what_the_configuration_lacks_is_left_out_with_the_reason(example):
    left_out = (example.results / "paper/README.md").read_text().partition("## Left out")[2]
    assert "- Published scores beside ours: no dataset of this configuration" in left_out
    assert "- Rounds of self-training: needs a dataset with cell types" in left_out
    assert "scdml_iterative" in left_out
    assert left_out.count("\n- ") == 3


def test_an_ablation_is_scored_but_neither_ranked_nor_drawn_among_the_methods(example):
    overall = (example.results / "tables/overall.md").read_text()
    assert overall.index("| 1: plain AE (n + l) |") > overall.index("*Ablations, not ranked*")
    for name in ("scores_overall", "bio_batch", "scaling", "umap_small_balanced"):
        assert "disentangled_ae_plain" not in (example.results / f"figures/{name}.tsv").read_text()


def test_the_small_paper_leaves_nothing_out_but_published_scores(project):
    jobs = project.plan("paper", "--configfile", SMALL)
    assert jobs["ablation_figure"] == 3
    assert {"draw_annotation", "gather_self_training", "gather_gene_vectors", "claims_table", "projection_grid"} <= set(
        jobs
    )
    assert "published_table" not in jobs
    assert sum(jobs.values()) < 350, "it should take less than 20 minutes"
