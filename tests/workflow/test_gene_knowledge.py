"""Vectors of genes are made for the methods that declare them, and one change makes only what depends on it anew."""

import anndata
import pandas as pd
import pytest

TINY = {
    "benchmark": {
        "datasets": ["small"],
        "methods": ["unintegrated", "gene_transformer", "gene_transformer_node2vec"],
        "controls": [],
        "seeds": [0],
    },
    "preprocessing": {"n_top_genes": 80, "n_pcs": 10},
    "gene_knowledge": {"tables": ["table.csv"], "width": 20},
    "metrics": {"bio": ["clisi"], "batch": ["ilisi"], "extra": []},
    "methods": {
        "gene_transformer": {"params": {"epochs": 2}, "variants": {"gene_transformer_node2vec": {"analyses": []}}}
    },
    "datasets": {"small": {"simulate": {"n_cells": 150, "n_genes": 100, "n_types": 3, "n_batches": 2}}},
}


@pytest.fixture(scope="module")
def finished(project):
    project.configure(TINY)
    runs = [f"results/small/{method}/seed0/embedding.h5ad" for method in TINY["benchmark"]["methods"]]
    project.run(*runs, "annotation", "attention")
    return project


def test_a_missing_table_switches_knowledge_off_and_the_record_of_the_run_says_so(finished):
    record = anndata.read_h5ad(finished.results / "small/gene_transformer/seed0/embedding.h5ad").uns["gene_vectors"]
    assert '"missing_tables": ["table.csv"]' in record
    assert '"off": "no table of gene knowledge is there"' in record
    assert '"rule": "' in record


def test_annotation_and_attention_have_their_tables_and_figures_of_the_methods_that_declare_them(finished):
    table = pd.read_csv(finished.results / "tables/annotation.tsv", sep="\t")
    assert set(table["annotator"]) == {"gene_transformer", "logistic_regression"}
    assert set(table["method"]) == {"gene_transformer"}
    assert "logistic_regression" in (finished.results / "tables/annotation.md").read_text()
    for suffix in ("svg", "png", "tsv"):
        assert (finished.results / f"small/gene_transformer/seed0/attention.{suffix}").stat().st_size > 0
    assert not list(finished.results.glob("small/gene_transformer_node2vec/seed0/a*.tsv"))


def test_a_new_table_makes_only_what_depends_on_it_anew(finished):
    rows = [f"gene_{i:04d},{i % 2},{int(i % 3 == 0)}" for i in range(100)]
    (finished.folder / "table.csv").write_text("\n".join(["symbol,even,third", *rows]) + "\n")
    jobs = finished.planned()
    assert not {"analyse_annotation", "gather_annotation", "analyse_attention"} & set(jobs), "made on demand only"
    assert jobs["knowledge_vectors"] == jobs["integrate_gene_transformer"] == 1
    assert not {"prepare", "coexpression", "gene_vectors", "integrate_gene_transformer_node2vec"} & set(jobs)
    finished.run("results/small/gene_transformer/seed0/embedding.h5ad")
    record = anndata.read_h5ad(finished.results / "small/gene_transformer/seed0/embedding.h5ad").uns["gene_vectors"]
    assert '"attributes": 2' in record


def test_another_threshold_leaves_knowledge_as_it_is(finished):
    jobs = finished.planned(more={"gene_knowledge": {"threshold": 0.5}})
    assert jobs["coexpression"] == 1
    assert "knowledge_vectors" not in jobs
    assert "prepare" not in jobs
