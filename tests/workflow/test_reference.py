"""Reference methods in the workflow: skipped without their packages, and equal to a call by hand with them."""

import os
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT

from scbench.provenance import missing_packages

CONFIG = {
    "benchmark": {"datasets": ["small"], "methods": ["harmony"], "controls": ["cell_type_oracle"], "seeds": [3]},
    "preprocessing": {"n_top_genes": 80, "n_pcs": 10},
    "metrics": {"bio": ["nmi_leiden_r1"], "batch": ["ilisi"], "extra": []},
    "methods": {
        "scvi": {"params": {"epochs": 2}},
        "missing": {"label": "Missing", "input": "pca", "kind": "reference", "packages": ["no-such-package"]},
    },
    "datasets": {"small": {"simulate": {"n_cells": 150, "n_genes": 100, "n_types": 3, "n_batches": 2}}},
}
MISSING = '''"""A method of a package that is not installed."""


def integrate(data, *, seed, device, threads):
    import no_such_package
'''
BY_HAND = """
import sys
import anndata, numpy, scvi, torch

torch.set_num_threads(1)
adata = anndata.read_h5ad(sys.argv[1])
scvi.settings.seed = 3
scvi.model.SCVI.setup_anndata(adata, layer="counts", batch_key="batch")
model = scvi.model.SCVI(adata, n_layers=2, n_latent=30, gene_likelihood="nb")
model.train(max_epochs=2, train_size=1.0, accelerator="cpu")
numpy.save(sys.argv[2], model.get_latent_representation())
"""


def without_dates(path) -> list:
    """Everything in the file of an embedding."""
    adata = anndata.read_h5ad(path)
    return [adata.obsm["X_emb"].tolist(), adata.obs_names.tolist(), sorted((k, str(v)) for k, v in adata.uns.items())]


@pytest.mark.slow
def test_a_method_without_its_packages_is_skipped_and_every_other_result_is_identical(project):
    (project.folder / "workflow_scripts/scbench/methods/missing.py").write_text(MISSING)
    results = {}
    for name, methods in {"with": ["harmony", "missing"], "without": ["harmony"]}.items():
        more = {"benchmark": {"methods": methods, "results": name}}
        project.configure(CONFIG)
        printed = project.run("score_tables", more=more)
        assert ("Skipped: missing (no-such-package is not installed; install it)" in printed) == (name == "with")
        results[name] = project.folder / name
    both = {"benchmark": {"methods": ["harmony", "missing"], "results": "without"}}
    assert project.planned(both, "score_tables") == {}, "installing or removing it makes nothing run again"
    runs = sorted(path.relative_to(results["without"]) for path in results["without"].glob("small/*/*/embedding.h5ad"))
    assert len(runs) == 2
    for run in runs:
        assert without_dates(results["with"] / run) == without_dates(results["without"] / run)
        one, other = ((folder / run).with_name("scores.tsv").read_text() for folder in results.values())
        assert one == other
    for name in ("summary/scores.tsv", "summary/summary.tsv", "summary/overall.tsv", "tables/overall.md"):
        assert (results["with"] / name).read_text() == (results["without"] / name).read_text()
    coverage = pd.read_csv(results["with"] / "summary/coverage.tsv", sep="\t", keep_default_na=False)
    skipped = coverage[coverage["method"] == "missing"].iloc[0]
    assert (skipped["status"], skipped["reason"]) == ("skipped", "no-such-package is not installed; install it")


def test_with_conda_nothing_is_skipped(project, monkeypatch):
    monkeypatch.setenv("PATH", f"{ROOT}/tests/workflow/conda_standin/bin:{os.environ['PATH']}")
    (project.folder / "workflow_scripts/scbench/methods/missing.py").write_text(MISSING)
    project.configure(CONFIG)
    more = {"benchmark": {"methods": ["harmony", "missing"], "results": "conda"}}
    (project.folder / "more.yaml").write_text(yaml.safe_dump(more))
    command = ("-n", "--quiet", "rules", "--configfile", "tiny.yaml", "more.yaml")
    assert "integrate_missing" in project.plan("--use-conda", *command)
    assert "integrate_missing" not in project.plan(*command)


@pytest.mark.slow
def test_scvi_in_the_workflow_is_scvi_called_by_hand(project, tmp_path):
    if missing_packages(["scvi-tools"]):
        pytest.skip("scvi-tools is not installed; run `make reference`")
    project.configure(CONFIG)
    embedding = "hand/small/scvi/seed3/embedding.h5ad"
    project.run(embedding, more={"benchmark": {"methods": ["scvi"], "results": "hand", "accelerator": "cpu"}})
    dataset, by_hand = project.folder / "hand/small/dataset.h5ad", tmp_path / "by_hand.npy"
    done = subprocess.run(
        [sys.executable, "-c", BY_HAND, dataset, by_hand], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = anndata.read_h5ad(project.folder / embedding)
    assert np.array_equal(found.obsm["X_emb"], np.load(by_hand))
    assert "scvi-tools" in found.uns["versions"]


def test_the_whole_field_can_be_planned():
    """config/field.yaml names every method that is not a variant, and only those."""
    from scbench.config import load_config

    field = yaml.safe_load((ROOT / "config/field.yaml").read_text())
    config = load_config(ROOT / "config", field)
    kinds = {id_: entry["kind"] for id_, entry in config["methods"].items()}
    controls = {id_ for id_, kind in kinds.items() if kind == "control"}
    assert set(config["benchmark"]["methods"]) == kinds.keys() - controls
    assert set(config["benchmark"]["controls"]) == controls
