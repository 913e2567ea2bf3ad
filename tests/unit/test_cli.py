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
from sklearn.metrics import silhouette_score

from scbench.analyses.exports import EXPORTS
from scbench.checks import SCORE_COLUMNS
from scbench.cli import command_first, main
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
    umaps = {f"CVAE_NB_umap_{name}.svg" for name in ("celltype", "sample", "cluster")}
    others = {name for name in EXPORTS if not name.startswith("umap")}
    wanted = {*umaps, *others, "embedding.h5ad", "history.tsv", "model.pt", "truth.tsv.gz"}
    assert {path.name for path in folder.glob("[!.]*")} == wanted
    model = read_model(folder / "model.pt")
    assert (model["parameters"]["likelihood"], model["parameters"]["prior"]) == ("zinb", "mog")
    assert model["sizes"]["n_genes"] == 50
    latents, z = np.load(folder / "latents.npy"), np.load(folder / "latents_z.npy")
    assert latents.shape == z.shape == (300, 32)
    assert np.allclose(z.mean(0), 0, atol=1e-4)
    assert -1 <= float((folder / "silhouette_celltype.txt").read_text()) <= 1
    assert "epoch 1 reconstruction" in capsys.readouterr().out

    umap = folder / "CVAE_NB_umap_sample.svg"
    drawn = umap.read_bytes()
    umap.unlink()
    assert main(["cvae", "--save-only", str(folder)]) == 0
    assert umap.read_bytes() == drawn


def test_the_commands_of_the_guide_work_as_they_are_written(files, tmp_path, monkeypatch):
    """Options before the command; a bare --save-only draws the newest results again."""
    monkeypatch.chdir(tmp_path)
    given = ["--adata", f"{files}/processed.h5ad", "--counts", f"{files}/raw.h5ad"]
    assert main([*given, "--epochs", "2", "vae", "--recon", "nb"]) == 0
    assert main([*given, "--methods", "unintegrated", "vae_nb", "--epochs", "2", "compare"]) == 0
    results = tmp_path / "results_comparison"
    (alone,) = results.glob("VAE_NB_*/VAE_NB_umap_celltype.svg")
    (compared,) = results.glob("compare_*/unintegrated/UNINTEGRATED_umap_sample.svg")
    for arguments, figure in ((["vae", "--save-only"], alone), (["--save-only"], compared)):
        figure.unlink()
        assert main(arguments) == 0
        assert figure.exists()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--adata", "x", "vae", "--recon", "nb"], ["vae", "--adata", "x", "--recon", "nb"]),
        (["--out", "compare", "cvae", "--mog"], ["cvae", "--out", "compare", "--mog"]),
        (["--mog", "cvae", "--adata", "x"], ["cvae", "--mog", "--adata", "x"]),
        (["--save-only", "vae"], ["vae", "--save-only"]),
        (["--save-only"], ["compare", "--save-only"]),
        (["vae", "--adata", "compare"], ["vae", "--adata", "compare"]),
        (["--help"], ["--help"]),
        ([], []),
    ],
)
def test_options_before_the_command_are_moved_behind_it(given, expected):
    assert command_first(given) == expected


def test_every_option_reaches_the_model_and_a_preset_is_the_recipe_of_the_guide(files, tmp_path):
    given = ["--adata", f"{files}/processed.h5ad", "--counts", f"{files}/raw.h5ad", "--epochs", "1"]
    options = "--hidden 24 12 --free-bits 0.2 --beta 0.5 --batch-size 64 --lr 0.01 --n-hvg 30 --latent-dim 6"
    assert main(["vae", *given, *options.split(), "--out", str(tmp_path / "own")]) == 0
    (path,) = tmp_path.glob("own/VAE_NB_*/model.pt")
    model = read_model(path)
    wanted = {"hidden": [24, 12], "free_bits": 0.2, "beta": 0.5, "batch_size": 64, "learning_rate": 0.01}
    found = {name: model["parameters"][name] for name in (*wanted, "latent_dim")}
    assert found | {"hidden": list(found["hidden"])} == {**wanted, "latent_dim": 6}
    assert model["sizes"]["n_genes"] == 30, "a number of genes is asked for, so the marked ones are not used"

    preset = ["--preset", "cvae_nb_guide", "--hidden", "16", "--out", str(tmp_path / "guide")]
    assert main(["cvae", *given, *preset]) == 0
    (path,) = tmp_path.glob("guide/CVAE_NB_GUIDE_*/model.pt")
    assert (path.parent / "CVAE_NB_GUIDE_umap_celltype.svg").exists()
    found = read_model(path)["parameters"]
    names = ("latent_dim", "beta", "free_bits", "batch_size", "learning_rate", "condition", "prior")
    assert [found[name] for name in names] == [32, 0.1, 0.1, 256, 0.001, "embedding", "mog"]
    assert list(found["hidden"]) == [16], "an option changes the preset"


def test_predicted_clusters_are_judged_without_labels(files, tmp_path, capsys):
    assert main(["vae", "--adata", f"{files}/raw.h5ad", "--epochs", "40", "--out", str(tmp_path)]) == 0
    (folder,) = tmp_path.iterdir()
    clusters = pd.read_csv(folder / "clusters.tsv", sep="\t", dtype=str)
    table = pd.read_csv(folder / "silhouette_clusters.tsv", sep="\t").set_index("clustering")
    assert list(clusters.columns) == ["cell_id", *table.index] == ["cell_id", "leiden", "kmeans"]
    X = np.load(folder / "latents.npy")
    for name in table.index:
        assert table.loc[name, "n_clusters"] == clusters[name].nunique()
        assert table.loc[name, "silhouette"] == pytest.approx(silhouette_score(X, clusters[name]))
    assert table["n_clusters"].nunique() == 1, "k-means finds as many clusters as Leiden"
    assert f"clusters, kmeans: {table.loc['kmeans', 'silhouette']:.3f}" in capsys.readouterr().out


def test_compare_runs_all_methods_and_scores_them(files, tmp_path, capsys):
    given = ["--adata", f"{files}/raw.h5ad", "--out", str(tmp_path), "--epochs", "2"]
    assert main(["compare", *given, "--methods", "unintegrated", "vae_nb"]) == 0
    (folder,) = tmp_path.iterdir()
    scores = read_scores(folder / "scores.tsv")
    assert set(scores["method"]) == {"unintegrated", "vae_nb"}
    assert {"ilisi", "nmi_leiden_best"} <= set(scores.loc[scores["status"] == "ok", "metric"])
    assert "unintegrated" in capsys.readouterr().out
    assert (folder / "vae_nb" / "VAE_NB_umap_celltype.svg").exists()


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
        (["vae", "--save-only"], "holds no results of VAE_NB"),
        (["vae", "--adata", "x", "--preset", "magic"], "'magic' is no variant of vae_nb; known: vae_nb_guide"),
        (["vae", "--adata", "{files}/raw.h5ad", "--n-hvg", "0"], "preprocessing.n_top_genes"),
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
