"""A trunk is pretrained on the other datasets of a benchmark, once for all methods that declare it."""

import anndata
import pytest

from scbench.files import read_model, read_record

METHODS = ["gene_transformer_random", "gene_transformer_frozen", "gene_transformer_zero_shot"]
SIMULATED = {"n_cells": 150, "n_genes": 100, "n_types": 3, "n_batches": 2, "n_modules": 4}
TINY = {
    "benchmark": {"datasets": ["one", "two"], "methods": METHODS, "controls": [], "seeds": [0]},
    "preprocessing": {"n_top_genes": 80, "n_pcs": 10},
    "pretraining": {"epochs": 3, "width": 16, "n_latents": 3},
    "metrics": {"bio": ["clisi"], "batch": ["ilisi"], "extra": []},
    "methods": {"gene_transformer": {"params": {"epochs": 2}}},
    "datasets": {name: {"simulate": SIMULATED | {"seed": seed}} for seed, name in enumerate(("one", "two"))},
}
RUNS = [f"results/one/{method}/seed0/embedding.h5ad" for method in METHODS]


@pytest.fixture(scope="module")
def finished(project):
    project.configure(TINY)
    project.run(*RUNS)
    return project


def test_a_trunk_is_pretrained_on_the_other_dataset_only_and_taken_over(finished):
    trunk = read_model(finished.results / "one/pretraining/model.pt")
    other = anndata.read_h5ad(finished.results / "two/dataset.h5ad").var_names
    assert set(trunk["genes"]) == {gene.upper() for gene in other if not gene.upper().startswith("MT-")}
    assert not (finished.results / "two/pretraining").exists()
    for method in METHODS[1:]:
        model = read_model(finished.results / f"one/{method}/seed0/model.pt")
        assert model["parameters"]["width"] == 16
        assert {gene.upper() for gene in model["genes"]} <= set(trunk["genes"])
    record = read_record(finished.results / "one/gene_transformer_zero_shot/seed0/embedding.h5ad")
    assert record["parameters"]["adaptation"] == "zero_shot"


def test_another_setting_of_pretraining_makes_only_what_depends_on_it_anew(finished):
    jobs = finished.planned({"pretraining": {"epochs": 4}}, *RUNS)
    assert jobs["pretrain"] == 1
    assert {"integrate_gene_transformer_frozen", "integrate_gene_transformer_zero_shot"} <= set(jobs)
    assert not {"integrate_gene_transformer_random", "prepare"} & set(jobs)


def test_the_annotation_from_few_labels_belongs_to_the_trunk_that_is_not_trained_further(finished):
    jobs = finished.planned(None, "few_labels")
    assert jobs["analyse_few_labels"] == 2
    assert jobs["gather_few_labels"] == 1
    assert jobs["pretrain"] == 1, "that of the other dataset"
