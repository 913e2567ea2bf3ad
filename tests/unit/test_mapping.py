"""New cells in the embedding of a finished run: with each encoder, with other genes, from a new batch."""

import json
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy import sparse

from scbench.analyses import corrected_expression, query_mapping
from scbench.analyses.held_out import types_of_neighbours
from scbench.analyses.mapping import map_cells, with_genes
from scbench.cli import main
from scbench.config import load_config
from scbench.datasets.prepare import prepare
from scbench.files import read_embedding, read_model, write_dataset, write_truth
from scbench.neural.cells import Counts
from scbench.paths import Paths
from scbench.registry import load_registry
from scbench.report.corrected_expression import gather as gather_corrected
from scbench.report.query_mapping import gather
from scbench.runner import FinishedRun, run, write_run

pytestmark = pytest.mark.filterwarnings("ignore")

REGISTRY = load_registry(load_config(ROOT / "config", {})["methods"])
SETTINGS = {"n_top_genes": 80, "hvg_batch_aware": True, "target_sum": 1e4, "n_pcs": 10, "min_cells_per_gene": 3}
TRAINED = [name for name, method in REGISTRY.items() if method.trained and name == method.module]
SHORT = {"epochs": 10}


@pytest.fixture(scope="module")
def raw():
    """Cells of 3 types in the batches a, b and c, which shift the genes little; c is the new one."""
    random = np.random.default_rng(0)
    types, batch = random.integers(0, 3, 360), random.choice(3, 360, p=[0.4, 0.27, 0.33])
    rates = random.gamma(1.0, 4.0, (3, 100))[types] * np.exp(0.1 * random.standard_normal((3, 100)))[batch]
    obs = pd.DataFrame({"batch": np.array(list("abc"))[batch], "cell_type": np.array(["x", "y", "z"])[types]})
    obs.index = [f"cell_{i}" for i in range(360)]
    var = pd.DataFrame(index=[f"gene_{i}" for i in range(100)])
    counts = sparse.csr_matrix(random.poisson(rates).astype(np.float32))
    return anndata.AnnData(counts, obs=obs.astype("category"), var=var)


@pytest.fixture(scope="module")
def folder(raw, tmp_path_factory):
    """Finished runs on the batches a and b, and the cells of all batches in two files."""
    at = tmp_path_factory.mktemp("runs")
    old = raw[raw.obs["batch"] != "c"].copy()
    old.obs["batch"] = old.obs["batch"].cat.remove_unused_categories()
    old.write_h5ad(at / "old.h5ad")
    raw.write_h5ad(at / "all.h5ad")
    adata, truth = prepare(old, **SETTINGS)
    write_dataset(at / "dataset.h5ad", adata)
    write_truth(at / "truth.tsv.gz", truth)
    return at


def finished(folder, method: str, **params):
    """Run a method, unless it has, and return its folder."""
    place = folder / "_".join([method, *params])
    if not place.exists():
        from scbench.files import read_dataset

        spec = replace(REGISTRY[method], params={**REGISTRY[method].params, **SHORT, **params})
        result = run(spec, read_dataset(folder / "dataset.h5ad"), dataset="d", seed=0, accelerator="cpu")
        parts = Paths.run_parts(trained=spec.trained, tables=spec.tables)
        write_run(result, {part: place / file for part, file in parts.items()})
    return place


@pytest.mark.parametrize("method", TRAINED)
def test_the_cells_of_the_training_are_mapped_to_where_they_are_and_new_ones_beside_their_types(folder, method, raw):
    place = finished(folder, method)
    assert main(["map", "--model", str(place), "--adata", f"{folder}/all.h5ad", "-o", f"{place}/mapped.h5ad"]) == 0
    mapped = anndata.read_h5ad(place / "mapped.h5ad")
    assert list(mapped.obs_names) == list(raw.obs_names)
    old = mapped.obs["batch"] != "c"
    trained, _ = read_embedding(place / "embedding.h5ad", mapped.obs_names[old])
    assert np.allclose(mapped.obsm["X_emb"][old], trained, atol=1e-3)
    types = raw.obs["cell_type"].astype(str).to_numpy()
    predicted = types_of_neighbours(trained, types[old], mapped.obsm["X_emb"][~old])
    assert (predicted == types[~old]).mean() > 0.9
    assert json.loads(mapped.uns["mapping"]) == {"method": method, "missing_genes": [], "new_batches": ["c"]}


def test_genes_are_matched_by_name_and_missing_ones_are_named(folder, raw, capsys):
    place = finished(folder, "vae_nb")
    genes = read_model(place / "model.pt")["trained_on"]["genes"]
    new = raw[:, [*reversed([name for name in raw.var_names if name != genes[3]])]].copy()
    new.write_h5ad(folder / "reversed.h5ad")
    assert main(["map", "--model", str(place), "--adata", f"{folder}/reversed.h5ad", "-o", f"{place}/r.h5ad"]) == 0
    assert f"1 of {len(genes)} genes of the model are missing, their counts are set to 0: {genes[3]}" in (
        capsys.readouterr().out
    )
    without = raw.copy()
    without.X = without.X.multiply(without.var_names != genes[3]).tocsr()
    without.write_h5ad(folder / "zero.h5ad")
    assert main(["map", "--model", str(place), "--adata", f"{folder}/zero.h5ad", "-o", f"{place}/z.h5ad"]) == 0
    one, other = (anndata.read_h5ad(place / name).obsm["X_emb"] for name in ("r.h5ad", "z.h5ad"))
    assert np.allclose(one, other, atol=1e-5)


def test_too_few_shared_genes_are_refused():
    with pytest.raises(ValueError, match="7 of the 10 genes of the model are there, 80% are needed"):
        with_genes(np.zeros((2, 7)), [f"g{i}" for i in range(7)], [f"g{i}" for i in range(10)])


@pytest.mark.parametrize(
    ("method", "params", "cells", "words"),
    [
        ("unintegrated", None, "all", "unintegrated leaves no trained encoder"),
        ("cvae_nb", {"condition_encoder": True}, "all", "does not know the batch 'c'; it knows a, b"),
        ("scdml", {}, "few", "the new batch 'c' has 4 cells; scDML scales the genes of each batch"),
        ("nothing", None, "all", "holds no model.pt; name the folder of a finished run"),
        ("vae_nb", {}, "other", "0 of the 80 genes of the model are there"),
    ],
)
def test_what_cannot_be_mapped_is_one_sentence(folder, raw, capsys, method, params, cells, words):
    new = raw[raw.obs["batch"] == "c"][:4].copy()
    new.write_h5ad(folder / "few.h5ad")
    raw.var_names, names = [f"other_{name}" for name in raw.var_names], raw.var_names
    raw.write_h5ad(folder / "other.h5ad")
    raw.var_names = names
    place = folder / "nothing"
    if method == "unintegrated":
        result = run(REGISTRY[method], anndata.read_h5ad(folder / "dataset.h5ad"), dataset="d", seed=0)
        write_run(result, {"embedding": (place := folder / method) / "embedding.h5ad"})
    elif params is not None:
        place = finished(folder, method, **params)
    capsys.readouterr()
    assert main(["map", "--model", str(place), "--adata", f"{folder}/{cells}.h5ad", "-o", f"{folder}/x.h5ad"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("scbench: ")
    assert words in message
    assert not (folder / "x.h5ad").exists()


def test_a_new_batch_is_scaled_by_itself_for_scdml(folder, raw):
    """The cells of a batch under another name have the same means and deviations, and so the same embedding."""
    state = read_model(finished(folder, "scdml") / "model.pt")
    matrix, _ = with_genes(raw[raw.obs["batch"] == "a"].X, list(raw.var_names), state["trained_on"]["genes"])
    counts = Counts(matrix, 1e4 / np.asarray(raw[raw.obs["batch"] == "a"].X.sum(1)).ravel())
    known = map_cells(state, counts, np.full(matrix.shape[0], "a"))
    new = map_cells(state, counts, np.full(matrix.shape[0], "z"))
    assert np.allclose(known, new, atol=1e-3)


@pytest.mark.parametrize("method", ["cvae_nb", "scdml", "gene_transformer"])
def test_the_analysis_holds_the_median_batch_out_and_scores_it_beside_the_run(folder, raw, method, tmp_path):
    adata, truth = prepare(raw, **SETTINGS)
    write_dataset(tmp_path / "dataset.h5ad", adata)
    write_truth(tmp_path / "truth.tsv.gz", truth)
    place = finished(tmp_path, method)
    files = {"dataset": tmp_path / "dataset.h5ad", "truth": tmp_path / "truth.tsv.gz"}
    files |= {"embedding": place / "embedding.h5ad", "model": place / "model.pt"}
    table = query_mapping.analyse(FinishedRun(files, 0))["query_mapping"].set_index("cells")
    assert list(table.index) == ["seen", "mapped"]
    sizes = truth["batch"].value_counts()
    assert table["n_cells"].eq(sorted(sizes)[1]).all()
    assert table["n_types"].eq(3).all()
    assert table["macro_f1"].min() > 0.9
    assert table["ilisi"].between(0, 1).all()
    assert table.loc["seen", "ilisi"] != table.loc["mapped", "ilisi"]
    wide = gather(table.reset_index().assign(dataset="d", method=method, seed=0), {})
    assert wide.loc[0, ["macro_f1_seen", "macro_f1_mapped"]].tolist() == table["macro_f1"].tolist()
    assert wide["n_seeds"].tolist() == [1]


def test_the_corrected_expression_of_a_run_is_scored_as_by_the_command(folder, raw):
    place = finished(folder, "cvae_nb")
    files = {"dataset": folder / "dataset.h5ad", "truth": folder / "truth.tsv.gz", "model": place / "model.pt"}
    table = corrected_expression.analyse(FinishedRun(files, 0))["corrected_expression"]
    assert table[["batch", "n_genes", "by_chance"]].values.tolist() == [["a", 40, 0.5], ["b", 40, 0.5]]
    for name, overlap in table.set_index("batch")["hvg_overlap"].items():
        raw[raw.obs["batch"] == name].write_h5ad(folder / "one.h5ad")
        command = ["correct", "--model", str(place), "--adata", f"{folder}/one.h5ad", "-o", f"{place}/one.h5ad"]
        assert main(command) == 0
        assert json.loads(anndata.read_h5ad(place / "one.h5ad").uns["generation"])["hvg_overlap"] == overlap
    runs = pd.concat([table.assign(seed=seed, hvg_overlap=table["hvg_overlap"] + 0.1 * seed) for seed in (0, 2)])
    gathered = gather_corrected(runs.assign(dataset="d", method="cvae_nb"), {}).iloc[0]
    assert gathered[["n_genes", "n_seeds", "by_chance"]].tolist() == [40, 2, 0.5]
    assert np.allclose(gathered[["hvg_overlap", "sd"]].astype(float), [table["hvg_overlap"].mean() + 0.1, 0.1 * 2**0.5])


def test_the_batch_of_median_size_is_held_out():
    assert query_mapping.median_batch(np.array(list("aaaabbc"))) == "b"
    assert query_mapping.median_batch(np.array(list("aaaabb"))) == "b"


def test_scores_of_a_held_out_batch_have_known_values():
    """Cells of the query lie on those of the reference; one type of the query is in no other batch."""
    X = np.repeat(np.eye(3), 30, axis=0) + 1e-3 * np.random.default_rng(0).standard_normal((90, 3))
    labels, query = np.repeat(["x", "y", "only"], 30), np.arange(90) % 2 == 0
    query[60:] = True
    found = query_mapping.scores(X, query, labels)
    assert (found["n_cells"], found["n_types"], found["macro_f1"]) == (60, 2, 1.0)
    apart = query_mapping.scores(X + 5 * query[:, None], query, labels)
    assert apart["ilisi"] < found["ilisi"]
