"""Commands that generate cells with the model of a run: what they write, and what they refuse."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
from conftest import make_dataset
from scipy import sparse

from scbench.analyses.corrected_expression import hvg_overlap
from scbench.cli import main

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of cells, and the runs of `cvae` and `vae` on it."""
    folder = tmp_path_factory.mktemp("files")
    data = make_dataset("counts")
    obs = pd.DataFrame({"batch": np.array(data.batch_names)[data.batch], "celltype": data.labels})
    obs.index = [f"cell_{i}" for i in range(data.n_cells)]
    cells = anndata.AnnData(data.X.astype(np.float32), obs=obs, var=pd.DataFrame(index=data.gene_names))
    cells.write_h5ad(folder / "cells.h5ad")
    given = ["--adata", f"{folder}/cells.h5ad", "--out", str(folder), "--epochs"]
    assert main(["cvae", *given, "60"]) == 0
    assert main(["vae", *given, "2"]) == 0
    for name in ("CVAE_NB", "VAE_NB"):
        next(folder.glob(f"{name}_*")).rename(folder / name.lower())
    return folder


def made(files, *arguments: str) -> anndata.AnnData:
    out = files / "out.h5ad"
    given = [] if arguments[0] == "sample" else ["--adata", f"{files}/cells.h5ad"]
    assert main([arguments[0], "--model", f"{files}/cvae_nb", *given, *arguments[1:], "-o", str(out)]) == 0
    return anndata.read_h5ad(out)


def test_sample_writes_counts_of_the_batch(files):
    real = anndata.read_h5ad(files / "cells.h5ad")
    cells = made(files, "sample", "-n", "400", "--batch", "b", "--library", "150")
    assert cells.shape == (400, 60)
    assert list(cells.var_names) == list(real.var_names)
    assert (cells.X.data == cells.X.data.round()).all()
    assert 130 < cells.X.sum(1).mean() < 170
    profile = {name: np.asarray(real[real.obs["batch"] == name].X.mean(0)).ravel() for name in ("a", "b")}
    near = {name: np.corrcoef(np.asarray(cells.X.mean(0)).ravel(), found)[0, 1] for name, found in profile.items()}
    assert near["b"] > near["a"]
    assert json.loads(cells.uns["generation"])["command"] == "sample"
    again = made(files, "sample", "-n", "400", "--batch", "b", "--library", "150")
    assert (again.X != cells.X).nnz == 0, "same seed, same cells"


def test_translate_shows_cells_as_the_other_batch(files):
    real = anndata.read_h5ad(files / "cells.h5ad")
    cells = made(files, "translate", "--to-batch", "b")
    assert list(cells.obs["from_batch"]) == list(real.obs["batch"])
    assert set(cells.obs["batch"]) == {"b"}
    moved = cells.X[(real.obs["batch"] == "a").to_numpy()].mean(0)
    profile = {name: np.asarray(real[real.obs["batch"] == name].X.mean(0)).ravel() for name in ("a", "b")}
    assert np.corrcoef(moved, profile["b"])[0, 1] > np.corrcoef(moved, profile["a"])[0, 1]


def test_interpolate_goes_from_one_cell_to_the_other(files):
    cells = made(files, "interpolate", "--cells", "cell_3", "cell_8", "--points", "5", "--in-batch", "a")
    assert cells.shape == (5, 60)
    assert np.allclose(cells.obs["position"], [0, 0.25, 0.5, 0.75, 1])
    back = made(files, "interpolate", "--cells", "cell_8", "cell_3", "--points", "5", "--in-batch", "a")
    assert np.allclose(back.X[::-1], cells.X, rtol=1e-3)


def test_correct_brings_the_batches_together_and_says_which_genes_it_keeps(files, capsys):
    cells = made(files, "correct")
    assert "HVG overlap, mean over batches: 0." in capsys.readouterr().out
    assert 0 <= json.loads(cells.uns["generation"])["hvg_overlap"] <= 1
    before = anndata.read_h5ad(files / "cells.h5ad")
    before = np.log1p(before.X.toarray() / before.X.sum(1) * 1e4)
    batch = (cells.obs["batch"] == "a").to_numpy()
    apart = [np.abs(X[batch].mean(0) - X[~batch].mean(0)).mean() for X in (np.asarray(before), cells.X)]
    assert apart[1] < 0.5 * apart[0]


def test_hvg_overlap_has_known_values():
    random = np.random.default_rng(0)
    batch = np.repeat(["a", "b"], 50)
    X = random.gamma(1.0, 1.0, (100, 40))
    assert hvg_overlap(sparse.csr_matrix(X), X, batch) == (1.0, 20)
    moved = np.roll(X, 7, axis=1)  # its variable genes are those of X, 7 places further
    expected = []
    for name in ("a", "b"):
        one = anndata.AnnData(X[batch == name])
        table = scanpy.pp.highly_variable_genes(one, n_top_genes=20, flavor="seurat", inplace=False)
        kept = set(np.flatnonzero(table["highly_variable"]))
        expected.append(len(kept & {(gene + 7) % 40 for gene in kept}) / 20)
    assert hvg_overlap(sparse.csr_matrix(X), moved, batch) == (np.mean(expected), 20)
    assert np.mean(expected) < 0.9
    with pytest.raises(ValueError, match="no batch has 20 cells"):
        hvg_overlap(sparse.csr_matrix(X), X, np.arange(100).astype(str))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sample", "--batch", "z"], "--batch: the model does not know the batch 'z'; it knows a, b"),
        (["sample", "--batch", "a", "--library", "-5"], "--library: -5 must be above 0"),
        (["translate", "--to-batch", "z"], "--to-batch: the model does not know the batch 'z'"),
        (["interpolate", "--cells", "cell_0", "nobody", "--in-batch", "a"], "--cells: nobody is not in "),
        (["translate", "--model", "{files}/vae_nb", "--to-batch", "a"], "vae_nb is not batch-conditioned"),
        (["correct", "--model", "{files}/vae_nb"], "vae_nb is not batch-conditioned"),
        (["correct", "--model", "nowhere"], "nowhere: holds no model.pt"),
    ],
)
def test_a_mistake_is_one_sentence(files, capsys, tmp_path, arguments, words):
    name, *rest = (argument.format(files=files) for argument in arguments)
    given = [] if name == "sample" else ["--adata", f"{files}/cells.h5ad"]
    assert main([name, "--model", f"{files}/cvae_nb", *given, *rest, "-o", f"{tmp_path}/x.h5ad"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("scbench: ")
    assert words in message
    assert not list(tmp_path.iterdir())
