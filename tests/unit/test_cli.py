"""The command line on files: what lands where, and what is said about a mistake."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from conftest import make_dataset
from scbench.analyses.exports import EXPORTS

from scbench.cli import main
from scbench.files import read_model, read_scores

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
    assert {path.name for path in folder.iterdir()} == wanted
    architecture = read_model(folder / "model.pt")["architecture"]
    assert (architecture["likelihood"], architecture["prior"], architecture["n_genes"]) == ("zinb", "mog", 50)
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


def test_a_method_with_gene_vectors_gets_them_and_its_record_says_which(files, tmp_path):
    given = ["--adata", f"{files}/raw.h5ad", "--out", str(tmp_path), "--epochs", "2"]
    assert main(["compare", *given, "--methods", "gene_transformer"]) == 0
    (path,) = tmp_path.glob("*/gene_transformer/embedding.h5ad")
    record = json.loads(anndata.read_h5ad(path).uns["gene_vectors"])
    assert record["gene2vec"]["pairs"] > 0
    assert record["knowledge"]["off"] == "gene_knowledge.tables is empty"


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
    ],
)
def test_a_mistake_is_one_sentence(files, tmp_path, capsys, arguments, words):
    anndata.read_h5ad(files / "raw.h5ad")[-10:].copy().write_h5ad(files / "few.h5ad")
    assert main([*(a.format(files=files) for a in arguments), *(["--out", str(tmp_path)])]) == 2
    message = capsys.readouterr().err
    assert message.startswith("scbench: ")
    assert words in message
    assert not list(tmp_path.iterdir())
