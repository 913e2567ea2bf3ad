"""Classifiers of the cell types of held-out batches on the embedding of any method."""

import anndata
import numpy as np
import pandas as pd
import pytest
from conftest import make_dataset
from scipy import sparse
from sklearn.metrics import f1_score

from scbench.analyses import classifiers
from scbench.analyses.classifiers import classifier_table, make_classifiers
from scbench.analyses.held_out import macro_f1
from scbench.files import write_embedding
from scbench.report.classifiers import gather
from scbench.runner import FinishedRun
from scbench.types import Embedding, Graph

NAMES = ["knn", "logistic_regression", "svm", "mlp", "random_forest"]


@pytest.fixture(scope="module")
def cells():
    random = np.random.default_rng(0)
    labels, batch = random.choice(list("xyz"), 300), random.choice(list("abc"), 300)
    return np.eye(3)[pd.Categorical(labels).codes] + 0.1 * random.standard_normal((300, 3)), batch, labels


def test_every_classifier_finds_separate_types_in_every_batch_and_none_in_noise(cells):
    X, batch, labels = cells
    table = classifier_table(X, batch, labels, seed=0)
    assert list(dict.fromkeys(table["classifier"])) == NAMES == list(make_classifiers(0))
    assert sorted(table["held_out"].unique()) == ["a", "b", "c"]
    assert (table["macro_f1"] > 0.98).all()
    assert table.groupby("held_out")["n_cells"].first().to_dict() == pd.Series(batch).value_counts().to_dict()
    noise = classifier_table(np.random.default_rng(1).standard_normal(X.shape), batch, labels, seed=0)
    assert noise["macro_f1"].mean() < 0.5


def test_a_batch_effect_in_the_embedding_lowers_the_score(cells):
    X, batch, labels = cells
    turned = X.copy()
    turned[batch == "a"] = turned[batch == "a"][:, [1, 2, 0]]  # the types of one batch lie where others lie elsewhere
    table = classifier_table(turned, batch, labels, seed=0).groupby("held_out")["macro_f1"].mean()
    assert table["a"] < 0.1 < table["b"]


def test_unknown_types_and_types_of_one_batch_are_left_out_and_one_batch_has_no_rows(cells):
    X, batch, labels = cells
    labels = np.where((labels == "z") & (batch != "a"), "", labels)
    table = classifier_table(X, batch, labels, seed=0).set_index(["held_out", "classifier"])
    assert (table["n_types"] == 2).all()
    assert table.loc[("a", "knn"), "n_cells"] == ((batch == "a") & (labels != "z")).sum()
    assert classifier_table(X, np.full(300, "a"), labels, seed=0).empty


def test_macro_f1_is_that_of_scikit_learn(cells):
    labels = cells[2]
    predicted = np.random.default_rng(2).permutation(labels)
    assert macro_f1(labels, predicted) == pytest.approx(f1_score(labels, predicted, average="macro"))


def test_a_graph_has_no_rows(tmp_path):
    data = make_dataset("pca", n_cells=20)
    graph = Graph(sparse.identity(20, format="csr"), sparse.identity(20, format="csr"))
    names = anndata.AnnData(data.X).obs_names
    write_embedding(tmp_path / "embedding.h5ad", Embedding(data.X, graph=graph), names, {"method": "bbknn"})
    tables = classifiers.analyse(FinishedRun({"embedding": tmp_path / "embedding.h5ad"}, 0))
    assert tables["classifiers"].empty


def test_the_table_averages_batches_then_seeds_and_has_the_best_method_first():
    rows = [
        ("d2", "one", 0, "a", "knn", 0.2),
        ("d2", "one", 0, "b", "knn", 0.4),
        ("d2", "one", 1, "a", "knn", 0.9),
        ("d2", "one", 0, "a", "svm", 0.5),
        ("d2", "one", 1, "a", "svm", 0.7),
        ("d1", "one", 0, "a", "knn", 0.1),
        ("d1", "two", 0, "a", "knn", 0.3),
    ]
    columns = ["dataset", "method", "seed", "held_out", "classifier", "macro_f1"]
    table = gather(pd.DataFrame(rows, columns=columns), {})
    assert table[["dataset", "method"]].to_numpy().tolist() == [["d2", "one"], ["d1", "two"], ["d1", "one"]]
    assert table.loc[0, ["seeds", "knn", "svm", "mean"]].tolist() == pytest.approx([2, 0.6, 0.6, 0.6])
    assert np.isnan(table.loc[1, "svm"])
    assert table.loc[1, "mean"] == 0.3
