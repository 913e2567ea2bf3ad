"""The command line on files: what lands where, and what is said about a mistake."""

import json
import os
import re
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import make_dataset

from scbench.analyses.exports import EXPORTS
from scbench.checks import SCORE_COLUMNS
from scbench.cli import main
from scbench.commands.one_file import SHORT_NAMES
from scbench.config import write_config
from scbench.datasets.external import read_external
from scbench.datasets.prepare import prepare
from scbench.datasets.sources import read_source
from scbench.files import read_model, read_scores, write_scores
from scbench.metrics.suite import score_run
from scbench.paths import Paths
from scbench.provenance import method_digest
from scbench.registry import load_registry

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Processed cells with scaled X and marked genes, and the raw counts of the same cells in another order."""
    folder = tmp_path_factory.mktemp("files")
    data = make_dataset("counts")
    obs = pd.DataFrame({"batch": np.array(data.batch_names)[data.batch], "celltype": data.labels})
    obs.index = [f"cell_{i}" for i in range(data.n_cells)]
    raw = anndata.AnnData(data.X.astype(np.float32), obs=obs, var=pd.DataFrame(index=data.gene_names))
    processed = anndata.AnnData(np.log1p(data.X[:, :58].toarray()) - 0.5, obs=obs, var=raw.var.iloc[:58].copy())
    processed.var["highly_variable"] = np.arange(58) < 50
    raw[::-1].copy().write_h5ad(folder / "raw.h5ad")
    processed.write_h5ad(folder / "processed.h5ad")
    return folder


def test_cvae_writes_a_run_with_its_exports_and_draws_them_again(files, tmp_path, capsys):
    given = ["--adata", f"{files}/processed.h5ad", "--counts", f"{files}/raw.h5ad", "--out", str(tmp_path)]
    assert main(["cvae", *given, "--recon", "zinb", "--mog", "--epochs", "2"]) == 0
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("CVAE_NB_")
    wanted = {*EXPORTS, "embedding.h5ad", "history.tsv", "model.pt", "truth.tsv.gz"}
    assert {path.name for path in folder.glob("[!.]*")} == wanted
    model = read_model(folder / "model.pt")
    assert (model["parameters"]["likelihood"], model["parameters"]["prior"]) == ("zinb", "mog")
    assert model["sizes"]["n_genes"] == 50
    latents, z = np.load(folder / "latents.npy"), np.load(folder / "latents_z.npy")
    assert latents.shape == z.shape == (300, 32)
    assert np.allclose(z.mean(0), 0, atol=1e-4)
    assert -1 <= float((folder / "silhouette_celltype.txt").read_text()) <= 1
    assert "epoch 1 reconstruction" in capsys.readouterr().out

    drawn = (folder / "umap_batch.svg").read_bytes()
    (folder / "umap_batch.svg").unlink()
    assert main(["cvae", "--save-only", str(folder)]) == 0
    assert (folder / "umap_batch.svg").read_bytes() == drawn


def test_compare_runs_all_methods_and_scores_them(files, tmp_path, capsys):
    given = ["--adata", f"{files}/raw.h5ad", "--out", str(tmp_path), "--epochs", "2"]
    assert main(["compare", *given, "--methods", "unintegrated", "vae_nb"]) == 0
    (folder,) = tmp_path.iterdir()
    scores = read_scores(folder / "scores.tsv")
    assert set(scores["method"]) == {"unintegrated", "vae_nb"}
    assert {"ilisi", "nmi_leiden_best"} <= set(scores.loc[scores["status"] == "ok", "metric"])
    assert "unintegrated" in capsys.readouterr().out
    assert (folder / "vae_nb" / "umap_celltype.svg").exists()


@pytest.fixture(scope="module")
def embedded(files):
    """The raw counts, one cell without counts, the embeddings of `compare`-like shape, and a PCA."""
    cells = anndata.read_h5ad(files / "raw.h5ad")
    random = np.random.default_rng(0)
    cells.X[5] = 0
    cells.layers["wrong"] = cells.X * 0.5
    cells.obsm["X_good"] = pd.get_dummies(cells.obs["celltype"]).to_numpy() + 0.1 * random.standard_normal((300, 3))
    cells.obsm["X_noise"] = random.standard_normal((300, 5))
    cells.obsm["X_pca"] = random.standard_normal((300, 5)) + 2 * (cells.obs["batch"] == "a").to_numpy()[:, None]
    cells.obsm["X_broken"] = np.full((300, 2), np.nan)
    cells.write_h5ad(files / "embedded.h5ad")
    cells.X = cells.X * 0.5
    cells.write_h5ad(files / "no_counts.h5ad")
    return files


def test_score_gives_the_numbers_of_the_workflow(embedded, tmp_path, capsys, config):
    """The steps of the rules fetch, prepare, import_embedding and score on the same file."""
    out = tmp_path / "scores.tsv"
    given = ["--adata", f"{embedded}/embedded.h5ad", "--obsm", "X_good", "X_noise", "--label-key", "celltype"]
    assert main(["score", *given, "--preset", "fast", "-o", str(out)]) == 0
    source = {"path": f"{embedded}/embedded.h5ad", "batch_key": "batch", "label_key": "celltype"}
    adata, truth = prepare(read_source(source, folder=tmp_path, lock=tmp_path / "lock"), **config["preprocessing"])
    assert adata.n_obs == 299
    metrics = config["metrics"]["presets"]["fast"]
    cells = anndata.read_h5ad(source["path"]).obs_names
    wanted = []
    for key in ("X_good", "X_noise"):
        X = read_external({"path": source["path"], "obsm": key}, adata.obs_names, cells)
        run = {"dataset": "embedded", "method": key, "seed": 0}
        wanted.append(score_run(X, None, adata, truth, **run, metrics=metrics)["scores"])
    write_scores(tmp_path / "wanted.tsv", pd.concat(wanted))
    assert out.read_text() == (tmp_path / "wanted.tsv").read_text()
    scores = read_scores(out)
    assert (scores["status"] == "ok").all()
    printed = capsys.readouterr().out
    assert "[2/2] X_noise: 299 cells, 5 dimensions" in printed
    assert re.search(r"(?m)^metric +X_good +X_noise$", printed)
    assert re.search(r"(?m)^clisi +1\.000 +0\.\d{3}$", printed)


def test_score_without_counts_and_labels_computes_the_metrics_that_need_neither(embedded, tmp_path, capsys):
    given = ["--adata", f"{embedded}/no_counts.h5ad", "--obsm", "X_good", "--pca", "X_pca", "--preset", "fast"]
    assert main(["score", *given, "-o", str(tmp_path / "scores.tsv")]) == 0
    scores = read_scores(tmp_path / "scores.tsv").set_index("metric")["status"]
    assert scores[["ilisi", "pcr_comparison"]].eq("ok").all()
    assert scores[["nmi_leiden_r1", "clisi"]].eq("not_applicable").all()
    assert "not applicable: the dataset has no cell types: nmi_leiden_r1, " in capsys.readouterr().out


def test_a_method_with_gene_vectors_gets_them_and_its_record_says_which(files, tmp_path):
    given = ["--adata", f"{files}/raw.h5ad", "--out", str(tmp_path), "--epochs", "2"]
    assert main(["compare", *given, "--methods", "gene_transformer"]) == 0
    (path,) = tmp_path.glob("*/gene_transformer/embedding.h5ad")
    record = json.loads(anndata.read_h5ad(path).uns["gene_vectors"])
    assert record["gene2vec"]["pairs"] > 0
    assert record["knowledge"]["off"].startswith("0 of "), "the genes are not human"


def test_the_record_of_a_run_is_the_workflows(files, tmp_path):
    """The same run() and write_run() as the workflow's: all parameters, versions and the digest of the code."""
    given = ["--adata", f"{files}/raw.h5ad", "--out", str(tmp_path), "--epochs", "2"]
    assert main(["vae", *given]) == 0
    (path,) = tmp_path.glob("VAE_NB_*/embedding.h5ad")
    record = anndata.read_h5ad(path).uns
    assert record["code_digest"] == method_digest("vae_nb")
    parameters = json.loads(record["parameters"])
    assert parameters["epochs"] == 2
    assert parameters["likelihood"] == "nb"
    assert "torch" in json.loads(record["versions"])


def test_the_version_is_the_same_everywhere(root, capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    version = capsys.readouterr().out.split()[1]
    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"] == version
    assert yaml.safe_load((root / "CITATION.cff").read_text())["version"] == version
    assert re.search(r"(?m)^## \[(.+?)\]", (root / "CHANGELOG.md").read_text())[1] == version


def test_no_id_of_the_registry_is_a_short_name(config):
    assert not set(SHORT_NAMES) & set(load_registry(config["methods"]))


def test_summarise_writes_what_is_finished_beside_the_summary(tmp_path, config, capsys):
    benchmark = {"datasets": ["sim_balanced"], "methods": ["unintegrated", "harmony"], "controls": [], "seeds": [0]}
    config["benchmark"] |= benchmark
    at = Paths(str(tmp_path / "results"))
    write_config(at.config, config)
    scores = pd.DataFrame(
        [
            ("sim_balanced", "unintegrated", 0, name, group, 0.5, "ok", "", "")
            for name, group in (("clisi", "bio"), ("ilisi", "batch"))
        ],
        columns=SCORE_COLUMNS,
    )
    write_scores(at.run("sim_balanced", "unintegrated", 0, "scores.tsv"), scores)
    Path(at.run("sim_balanced", "unintegrated", 0, "embedding.h5ad")).touch()
    assert main(["summarise", at.results]) == 0
    printed = capsys.readouterr().out
    assert "| Unintegrated (PCA) |" in printed
    assert "1 ok, 1 not_run" in printed
    covered = pd.read_csv(at.partial("coverage.tsv"), sep="\t", keep_default_na=False)
    assert covered.set_index("method")["status"].to_dict() == {"unintegrated": "ok", "harmony": "not_run"}
    assert set(pd.read_csv(at.partial("summary.tsv"), sep="\t")["method"]) == {"unintegrated"}


def test_help_is_there_within_a_second(root):
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "scbench.cli", "--help"],
        env=os.environ | {"PYTHONPATH": str(root / "workflow_scripts")},
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "summarise" in done.stdout
    assert after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime < 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["vae"], "--adata: name the file"),
        (["vae", "--adata", "nowhere.h5ad"], "nowhere.h5ad: does not exist"),
        (["vae", "--adata", "{files}/raw.h5ad", "--batch-key", "donor"], "batch_key 'donor' is no column of obs"),
        (["vae", "--adata", "{files}/processed.h5ad"], "raw counts"),
        (["vae", "--adata", "{files}/raw.h5ad", "--counts", "{files}/few.h5ad"], "few.h5ad: lacks 290 cells"),
        (["compare", "--adata", "{files}/raw.h5ad", "--methods", "magic"], "magic is not declared"),
        (["vae", "--save-only", "{files}"], "holds no embedding.h5ad"),
        (["vae", "--adata", "{files}/raw.h5ad", "--latent-dim", "0"], "vae_nb.params.latent_dim: 0 is below 1"),
        (["score", "--adata", "nowhere.h5ad", "--obsm", "X"], "nowhere.h5ad: does not exist"),
        (["score", "--adata", "{files}/embedded.h5ad", "--obsm", "X"], "obsm 'X' does not exist; obsm: X_broken, X_"),
        (["score", "--adata", "{files}/embedded.h5ad", "--obsm", "X_broken"], "(NaN or inf) in 299 cells (cell_299"),
        (["score", "--adata", "{files}/no_counts.h5ad", "--obsm", "X_good"], "X holds no raw counts; name their layer"),
        (["score", "--adata", "{files}/no_counts.h5ad", "--obsm", "X_good", "--pca", "X"], "obsm 'X' does not exist"),
        (
            ["score", "--adata", "{files}/no_counts.h5ad", "--obsm", "X_good", "--pca", "X_pca", "--label-key", "type"],
            "label_key 'type' is no column",
        ),
        (["score", "--adata", "{files}/embedded.h5ad", "--obsm", "X_good", "--counts-layer", "wrong"], "raw counts"),
        (["score", "--adata", "{files}/embedded.h5ad", "--obsm", "X_good", "--preset", "slow"], "known: fast, scib"),
        (["summarise", "nowhere"], "nowhere/config.yaml: does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(files, embedded, tmp_path, capsys, arguments, words):
    anndata.read_h5ad(files / "raw.h5ad")[-10:].copy().write_h5ad(files / "few.h5ad")
    out = [] if arguments[0] in ("summarise", "score") else ["--out", str(tmp_path)]
    assert main([*(a.format(files=files) for a in arguments), *out]) == 2
    message = capsys.readouterr().err
    assert message.startswith("scbench: ")
    assert words in message
    assert not list(tmp_path.iterdir())
