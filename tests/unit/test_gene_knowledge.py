"""Co-expression, vectors of genes and tables of gene knowledge say what was planted, and what they did."""

import gzip
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import zipfile

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from scbench.datasets.simulate import simulate
from scbench.files import read_gene_vectors, write_gene_vectors
from scbench.gene_knowledge import sentences, tables
from scbench.gene_knowledge.coexpression import (
    coexpressed_pairs,
    correlations,
    metacells,
    of_dataset,
    read_pairs,
    write_pairs,
)
from scbench.gene_knowledge.public import gene_table, write_gene_table
from scbench.gene_knowledge.sources import make_vectors
from scbench.gene_knowledge.vectors import Sentences, gene2vec, node2vec
from scbench.types import ContractError

N_MODULES, PER_MODULE = 8, 20
MODULE = np.repeat(np.arange(N_MODULES), PER_MODULE)
GENES = np.array([f"gene{i}" for i in range(len(MODULE))])


@pytest.fixture(scope="module")
def modules() -> anndata.AnnData:
    """1,200 cells of 2 batches; each gene follows the activity of its module, and a batch shifts half of the genes."""
    random = np.random.default_rng(0)
    activity = random.gamma(1.0, 1.0, (1200, N_MODULES))
    batch = random.integers(0, 2, 1200)
    shift = np.where(random.random((2, len(MODULE))) < 0.5, 3.0, 1.0)
    counts = random.poisson(activity[:, MODULE] * shift[batch] * 2.0)
    obs = pd.DataFrame({"batch": pd.Categorical(batch.astype(str)), "total_counts": counts.sum(1) + 1.0})
    obs.index = obs.index.astype(str)
    adata = anndata.AnnData(sparse.csr_matrix(counts), obs=obs, var=pd.DataFrame(index=GENES))
    adata.layers["counts"] = adata.X
    adata.uns["preprocessing"] = '{"target_sum": 1e4}'
    adata.obsm["X_pca"] = np.log1p(activity) @ random.standard_normal((N_MODULES, N_MODULES))
    return adata


@pytest.fixture(scope="module")
def named_pairs(modules):
    pairs, _ = of_dataset(modules, cells_per_metacell=20, threshold=0.7)
    return [[GENES[a], GENES[b]] for a, b in pairs]


def precision_at_10(vectors: np.ndarray) -> float:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = np.argsort(-(unit @ unit.T - 2 * np.eye(len(unit))), axis=1)[:, :10]
    return float((MODULE[nearest] == MODULE[:, None]).mean())


@pytest.mark.parametrize("make", [gene2vec, node2vec])
def test_nearest_genes_are_of_the_planted_module(named_pairs, make):
    assert precision_at_10(make(named_pairs, GENES, width=200, seed=0)) >= 0.9


def test_the_same_seed_gives_the_same_vectors_in_another_process(named_pairs):
    program = (
        "import sys, json, hashlib; from scbench.gene_knowledge.vectors import gene2vec\n"
        "pairs = json.load(sys.stdin); genes = sorted({g for p in pairs for g in p})\n"
        "print(hashlib.sha256(gene2vec(pairs, genes, width=20, seed=3).tobytes()).hexdigest())"
    )
    found = set()
    for hash_seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(tables.Path(tables.__file__).parents[2])}
        few = json.dumps(named_pairs[:300])
        run = subprocess.run([sys.executable, "-c", program], input=few, env=env, capture_output=True, text=True)
        found.add(run.stdout.strip())
    assert len(found) == 1
    assert found != {""}, run.stderr


def test_sentences_come_in_another_order_each_time_and_are_all_there():
    words = [[str(i)] for i in range(50)]
    shown = Sentences(words, np.random.default_rng(0))
    first, second = list(shown), list(shown)
    assert first != second
    assert sorted(first) == sorted(second) == sorted(words)


def test_a_gene_without_a_pair_has_the_mean_vector(named_pairs):
    genes = np.append(GENES, "alone")
    vectors = gene2vec(named_pairs[:200], genes, width=10, seed=0)
    known = np.isin(genes, np.ravel(named_pairs[:200]))
    assert np.allclose(vectors[-1], vectors[known].mean(axis=0), atol=1e-5)


def test_metacells_are_of_one_batch_and_of_the_size_asked_for():
    random = np.random.default_rng(0)
    batch = np.repeat([0, 1, 2], [500, 90, 4])
    group = metacells(random.standard_normal((594, 5)), batch, 20)
    assert all(len(set(batch[group == code])) == 1 for code in np.unique(group))
    sizes = np.bincount(group)
    assert sizes.max() <= 20
    assert (np.sort(sizes)[1:] >= 10).all(), "all but the batch of 4"


def test_what_differs_between_batches_only_is_no_correlation():
    random = np.random.default_rng(0)
    batch = np.repeat([0, 1], 400)
    rates = np.where(batch == 0, 1.0, 20.0)[:, None] * np.ones(6)
    counts = sparse.csr_matrix(random.poisson(rates))
    group = metacells(random.standard_normal((800, 3)), batch, 20)
    r = correlations(counts, batch, group, total_counts=np.full(800, 1e3), target_sum=1e4)
    assert np.abs(r - np.diag(np.diag(r))).max() < 0.6
    assert np.allclose(np.diag(r), 1, atol=1e-4)


def test_the_pairs_above_the_threshold_are_those_of_numpy(modules):
    group = metacells(modules.obsm["X_pca"], np.zeros(1200, dtype=int), 20)
    total = modules.obs["total_counts"].to_numpy()
    r = correlations(modules.layers["counts"], np.zeros(1200, dtype=int), group, total_counts=total, target_sum=1e4)
    member = np.eye(group.max() + 1)[group].T
    expected = np.corrcoef(np.log1p(member @ modules.X.toarray() * (1e4 / (member @ total))[:, None]).T)
    assert np.allclose(r, expected, atol=1e-4)
    pairs, report = coexpressed_pairs(r, 0.7)
    assert {tuple(pair) for pair in pairs} == {(a, b) for a, b in np.argwhere(expected >= 0.7) if a < b}
    assert report["rule"] == "r >= 0.7"
    assert report["pairs"] == len(pairs)


def test_too_few_pairs_fall_back_to_nearest_genes_and_the_report_says_so():
    random = np.random.default_rng(0)
    r = np.corrcoef(random.standard_normal((40, 30)))
    pairs, report = coexpressed_pairs(r, 0.99)
    assert report["pairs_above_threshold"] == 0
    assert "10 nearest genes" in report["rule"]
    assert (r[pairs[:, 0], pairs[:, 1]] > 0).all()
    assert report["lowest_r"] == pytest.approx(r[pairs[:, 0], pairs[:, 1]].min())


def test_pairs_are_written_one_per_line_and_read_again(tmp_path):
    write_pairs(tmp_path / "pairs.txt", np.array([[0, 1], [1, 2]]), np.array(["A B", "C", "D"]))
    assert (tmp_path / "pairs.txt").read_text() == "A B\tC\nC\tD\n"
    assert read_pairs(tmp_path / "pairs.txt") == [["A B", "C"], ["C", "D"]]
    (tmp_path / "broken.txt").write_text("A\tB\nC\n")
    with pytest.raises(ContractError, match=r"broken\.txt"):
        read_pairs(tmp_path / "broken.txt")


# ---- tables


@pytest.fixture
def attributes(tmp_path):
    random = np.random.default_rng(0)
    columns = {f"module_{k}": (k == MODULE).astype(int) for k in range(N_MODULES)}
    table = pd.DataFrame({"symbol": np.char.upper(GENES), **columns, "length": random.integers(100, 900, len(GENES))})
    return table


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.xlsx"])
def test_tables_of_every_kind_are_read_alike(tmp_path, attributes, name):
    path = tmp_path / name
    if name.endswith("xlsx"):
        attributes.to_excel(path, index=False)
    else:
        attributes.to_csv(path, index=False, sep="\t" if "tsv" in name else ",")
    settings = {"tables": [str(path)], "text_columns": None, "sentence_model": "none", "width": 200}
    vectors, report = tables.of_tables(GENES, **settings)
    assert vectors.shape[0] == len(GENES)
    known = {"genes": len(GENES), "genes_in_table": len(GENES), "attributes": N_MODULES}
    assert report == {**known, "ignored_columns": ["length"]}
    assert precision_at_10(vectors) == 1.0, "genes of the same attributes are nearest; other numbers play no part"


def test_missing_tables_and_unknown_genes_switch_knowledge_off_and_say_why(tmp_path, attributes, modules):
    settings = {"text_columns": None, "sentence_model": "none", "width": 20}
    vectors, report = tables.of_tables(GENES, tables=[], **settings)
    assert len(vectors) == 0
    assert report["off"] == "gene_knowledge.tables is empty"
    _, report = tables.of_tables(GENES, tables=[str(tmp_path / "no.csv")], **settings)
    assert report["missing_tables"] == [str(tmp_path / "no.csv")]
    assert "no table" in report["off"]
    attributes.to_csv(tmp_path / "t.csv", index=False)
    _, report = tables.of_tables(np.array(["x1", "x2"]), tables=[str(tmp_path / "t.csv")], **settings)
    assert "0 of 2 genes" in report["off"]
    section = {"cells_per_metacell": 20, "threshold": 0.7, "tables": [], **settings}
    found, reports = make_vectors(modules, ["gene2vec", "knowledge"], section)
    assert set(found) == {"gene2vec"}
    assert "off" in reports["knowledge"]
    assert reports["gene2vec"]["pairs"] > 0


def test_a_table_without_symbols_or_of_another_kind_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("name,a\nx,1\n")
    with pytest.raises(ContractError, match="no column 'symbol'"):
        tables.read_tables([tmp_path / "t.csv"])
    with pytest.raises(ContractError, match=r"\.xlsx, \.csv, \.tsv or \.gmt"):
        tables.read_tables([tmp_path / "t.json"])


def test_vectors_are_written_and_read_with_their_report(tmp_path):
    write_gene_vectors(tmp_path / "v.npz", GENES[:3], np.ones((3, 2), np.float32), {"pairs": 1})
    vectors, report = read_gene_vectors(tmp_path / "v.npz", GENES[:3])
    assert (vectors.shape, report) == ((3, 2), {"pairs": 1})
    with pytest.raises(ContractError, match="genes are not those"):
        read_gene_vectors(tmp_path / "v.npz", GENES[1:4])
    write_gene_vectors(tmp_path / "off.npz", GENES[:3], np.zeros((0, 0), np.float32), {"off": "because"})
    assert read_gene_vectors(tmp_path / "off.npz", GENES[:3]) == (None, {"off": "because"})


# ---- the sentence model


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No hub, and nothing in its cache."""
    monkeypatch.setattr(sentences, "_of_hub", lambda name: None)


def test_a_wrong_name_is_one_clear_sentence(offline):
    with pytest.raises(sentences.SentenceModelError, match=r"^gene_knowledge.sentence_model: 'no/such' is no folder"):
        sentences.find_model("no/such")


def test_without_any_model_text_is_off_and_the_report_says_so(offline, monkeypatch, attributes, tmp_path):
    monkeypatch.setattr(sentences, "PACKAGE", "no_such_package_here")
    attributes.assign(text="some words").to_csv(tmp_path / "t.csv", index=False)
    settings = {"tables": [str(tmp_path / "t.csv")], "text_columns": None, "width": 20}
    vectors, report = tables.of_tables(GENES, sentence_model=sentences.DEFAULT_MODEL, **settings)
    assert "not installed" in report["text_off"]
    assert report["attributes"] == N_MODULES
    assert len(vectors) == len(GENES)


def test_weights_with_another_sha256_are_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    sentences.check_weights(tmp_path, hashlib.sha256(b"weights").hexdigest())
    (tmp_path / "model.safetensors").write_bytes(b"weighs")
    with pytest.raises(sentences.SentenceModelError, match="sha256"):
        sentences.check_weights(tmp_path, hashlib.sha256(b"weights").hexdigest())
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(sentences.SentenceModelError, match="missing"):
        sentences.check_weights(tmp_path)


def test_the_packaged_model_is_loaded_offline_and_knows_what_is_near(monkeypatch, offline):
    if importlib.util.find_spec(sentences.PACKAGE) is None:
        pytest.skip(f"the optional package {sentences.PACKAGE} (requirements-sentence-model.txt) is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    texts = ["cytokine receptor", "interleukin signalling", "ribosomal protein"]
    receptor, interleukin, ribosome = sentences.embed(texts, sentences.find_model(sentences.DEFAULT_MODEL))
    assert receptor @ interleukin > receptor @ ribosome + 0.2


def test_a_folder_without_a_model_is_one_clear_sentence(tmp_path):
    with pytest.raises(sentences.SentenceModelError, match="no model in") as caught:
        sentences.embed(["x"], sentences.find_model(str(tmp_path)))
    assert "\n" not in str(caught.value)


NAMES = (
    "hgnc_id\tsymbol\tname\tlocus_group\tstatus\tgene_group\tentrez_id\n"
    'HGNC:1\tAAA1\tthe "first" gene\tprotein-coding gene\tApproved\tKinases|Others\t11\n'
    "HGNC:2\tBBB2\tsecond\tnon-coding RNA\tApproved\t\t12\n"
    "HGNC:3\tOLD3\twithdrawn\tprotein-coding gene\tEntry Withdrawn\t\t\n"
)
SUMMARIES = "#tax_id\tGeneID\tSource\tSummary\n9606\t11\tRefSeq\tDoes something.\n10090\t12\tRefSeq\tOf the mouse.\n"
PATHWAY_SETS = {"Large pathway": [f"G{i}" for i in range(59)] + ["AAA1"], "Small pathway": ["AAA1", "BBB2"]}


@pytest.fixture
def public_files(tmp_path):
    """Made-up files in the formats in which HGNC, NCBI Gene and Reactome publish them."""
    (tmp_path / "hgnc_complete_set.txt").write_text(NAMES)
    with gzip.open(tmp_path / "gene_summary.gz", "wt") as file:
        file.write(SUMMARIES)
    lines = ["\t".join([name, "R-HSA-1", *genes]) for name, genes in PATHWAY_SETS.items()]
    with zipfile.ZipFile(tmp_path / "ReactomePathways.gmt.zip", "w") as archive:
        archive.writestr("ReactomePathways.gmt", "\n".join(lines) + "\n")
    names = {"names": "hgnc_complete_set.txt", "summaries": "gene_summary.gz", "pathways": "ReactomePathways.gmt.zip"}
    return {source: tmp_path / name for source, name in names.items()}


@pytest.mark.parametrize("name", ["genes.tsv.gz", "genes.xlsx"])
def test_public_sources_become_one_table_of_text_and_attributes(public_files, tmp_path, name):
    table = gene_table(public_files)
    assert list(table["symbol"]) == ["AAA1", "BBB2"], "withdrawn symbols are left out"
    assert list(table["summary"]) == ["Does something.", ""], "the gene of the mouse is not used"
    assert table["name"][0] == 'the "first" gene'
    assert {column: list(table[column]) for column in table.columns[4:]} == {
        "class: non-coding RNA": [0, 1],
        "class: protein-coding gene": [1, 0],
        "Large pathway": [1, 0],
    }
    write_gene_table(tmp_path / name, table)
    back = tables.read_tables([tmp_path / name])
    assert back.loc["AAA1", "Large pathway"] == 1
    assert back.drop(columns=["name", "gene_group", "summary"]).fillna(0).to_numpy().sum() == 3


def test_a_public_file_of_another_format_is_refused_by_column(public_files, tmp_path):
    (tmp_path / "other.txt").write_text("symbol\tname\nA\tB\n")
    with pytest.raises(ContractError, match=r"other.txt: has no column 'status'; found: symbol, name"):
        gene_table({"names": tmp_path / "other.txt"})
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.txt", "")
    with pytest.raises(ContractError, match=r"two.zip: holds 0 files .gmt"):
        gene_table(public_files | {"pathways": tmp_path / "two.zip"})
    assert "summary" not in gene_table({"names": public_files["names"]})


def test_gene_sets_are_a_table_with_a_column_per_set(tmp_path):
    (tmp_path / "sets.gmt").write_text("first\tsource\tA\tb\nsecond\tsource\tB\tC\n")
    table = tables.read_tables([tmp_path / "sets.gmt"])
    assert table.to_dict("index") == {
        "A": {"first": 1, "second": 0},
        "B": {"first": 1, "second": 1},
        "C": {"first": 0, "second": 1},
    }
    (tmp_path / "wrong.gmt").write_text("first\tsource\tA\nsecond\n")
    with pytest.raises(ContractError, match=r"wrong.gmt: line 2 is not a name, a source and genes"):
        tables.read_tables([tmp_path / "wrong.gmt"])
    (tmp_path / "twice.gmt").write_text("first\tsource\tA\nfirst\tsource\tB\n")
    with pytest.raises(ContractError, match=r"twice.gmt: line 2: there is another set 'first'"):
        tables.read_tables([tmp_path / "twice.gmt"])


def test_by_default_genes_of_one_simulated_module_have_similar_knowledge_vectors(config, root, monkeypatch):
    monkeypatch.chdir(root)
    adata = simulate(n_cells=60, n_genes=400, n_modules=10)
    settings = {key: config["gene_knowledge"][key] for key in ("tables", "text_columns", "sentence_model", "width")}
    vectors, report = tables.of_tables(adata.var_names.to_numpy(), **settings)
    assert report["genes_in_table"] == 400
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    module = adata.var["module"].to_numpy()
    similar = unit @ unit.T
    same = (module[:, None] == module) & (module >= 0) & ~np.eye(400, dtype=bool)
    assert similar[same].mean() > 0.8
    assert similar[~same & (module >= 0)[:, None] & (module >= 0)].mean() < 0.2
