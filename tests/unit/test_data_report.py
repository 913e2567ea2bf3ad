"""What is doubtful about data is said, and what cannot be right is refused; see reliability.md."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from scbench.data_reports import data_warnings, read_data_report, write_data_report
from scbench.datasets.data_report import data_report, repeated_cells
from scbench.datasets.simulate import simulate
from scbench.datasets.validate import standardise
from scbench.types import ContractError


@pytest.fixture(scope="module")
def simulated():
    return simulate(n_cells=400, n_genes=300, n_types=4, n_batches=3, library_size=900, seed=4)


def with_counts(raw, counts):
    counts = sparse.csr_matrix(np.asarray(counts), dtype=np.int32)
    counts.eliminate_zeros()
    return anndata.AnnData(X=counts, obs=raw.obs.iloc[: counts.shape[0]].copy(), var=raw.var)


def with_obs(raw, **columns):
    changed = raw.copy()
    for name, values in columns.items():
        changed.obs[name] = pd.Categorical(np.asarray(values, dtype=object))
    return changed


def normalised(raw, target=1e4):
    return raw.X.toarray() / raw.X.sum(axis=1).A1[:, None] * target


def test_the_report_has_the_numbers_of_the_data_and_no_warning(simulated):
    report = data_report(simulated)
    totals = simulated.X.sum(axis=1).A1
    table = pd.crosstab(simulated.obs["batch"], simulated.obs["cell_type"])
    assert (report["cells"], report["genes"]) == simulated.shape
    assert report["counts_per_cell"] == {"min": totals.min(), "median": np.median(totals), "max": totals.max()}
    assert report["largest_count"] == simulated.X.max()
    assert report["share_of_zeros"] == pytest.approx((simulated.X.toarray() == 0).mean(), abs=1e-4)
    assert report["batches"] == table.sum(axis=1).to_dict()
    assert report["cells_of_types"] == table.T.to_dict()
    assert (report["shared_types"], report["repeated_cells"], report["warnings"]) == (4, 0, [])
    assert report["cramers_v"] < 0.1


def test_cramers_v_is_1_where_the_batch_tells_the_type(simulated):
    nested = with_obs(simulated, batch=simulated.obs["cell_type"].map(lambda name: "x" if name < "type_3" else "y"))
    assert data_report(nested)["cramers_v"] == 1


DOUBTFUL = {
    "one batch": (lambda raw: with_obs(raw, batch=["x"] * 400), "there is one batch, so there are no batch scores"),
    "types in one batch each": (
        lambda raw: with_obs(raw, batch=raw.obs["cell_type"].map(lambda name: "x" if name < "type_3" else "y")),
        "no cell type is in several batches",
    ),
    "one cell type": (lambda raw: with_obs(raw, cell_type=["x"] * 400), "there is one cell type"),
    "batch of 5 cells": (
        lambda raw: with_obs(raw, batch=["rest"] * 395 + ["x"] * 5),
        "batches of fewer than 10 cells hardly count in scores: x (5)",
    ),
    "batches that differ in case": (
        lambda raw: with_obs(raw, batch=np.where(np.arange(400) % 2, "Lab", "lab")),
        "the batches 'Lab' and 'lab' differ only in case or spaces",
    ),
    "batches that differ in spaces": (
        lambda raw: with_obs(raw, batch=np.where(np.arange(400) % 2, "lab 1", "lab 1 ")),
        "the batches 'lab 1' and 'lab 1 ' differ only in case or spaces",
    ),
    "types that differ in case": (
        lambda raw: with_obs(raw, cell_type=np.where(np.arange(400) % 2, "B cell", "b cell")),
        "the cell types 'B cell' and 'b cell' differ only",
    ),
    "rounded logarithms": (
        lambda raw: with_counts(raw, np.rint(np.log1p(normalised(raw)))),
        "the values may be rounded logarithms",
    ),
    "normalised and rounded": (
        lambda raw: with_counts(raw, np.rint(normalised(raw))),
        "the values may be normalised or sampled to equal depth",
    ),
    "rounded after scaling": (
        lambda raw: with_counts(raw, np.rint(np.random.default_rng(0).binomial(raw.X.toarray(), 0.2) * 2.3)),
        "2 is more frequent than 1, the values may be normalised and rounded",
    ),
    "one cell with 100 times the counts": (
        lambda raw: with_counts(raw, raw.X.toarray() * np.where(np.arange(400) == 7, 100, 1)[:, None]),
        "the cell cell_8 has ",
    ),
    "few counts": (
        lambda raw: with_counts(raw, np.random.default_rng(0).binomial(raw.X.toarray(), 0.05)),
        "half of the cells have at most",
    ),
    "some cells twice": (
        lambda raw: with_counts(raw, raw.X.toarray()[np.r_[:390, :10]]),
        "10 cells have the same counts as another one",
    ),
    "genes of two species": (
        lambda raw: anndata.AnnData(
            X=raw.X, obs=raw.obs, var=pd.DataFrame(index=[("GENE%d", "Gene%d")[i % 2] % i for i in range(300)])
        ),
        "the genes may be those of two species: 50% of human and 50% of mouse",
    ),
    "Ensembl ids of two species": (
        lambda raw: anndata.AnnData(
            X=raw.X, obs=raw.obs, var=pd.DataFrame(index=[("ENSG%05d", "ENSMUSG%05d")[i % 2] % i for i in range(300)])
        ),
        "the genes may be those of two species",
    ),
}


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_is_doubtful_is_a_warning(simulated, case):
    change, words = DOUBTFUL[case]
    warnings = data_report(change(simulated))["warnings"]
    assert any(words in warning for warning in warnings), warnings


REFUSED = {
    "12 cells": (lambda raw: raw[:12], "12 cells are too few for a benchmark; at least 50 are needed"),
    "49 cells": (lambda raw: raw[:49], "49 cells are too few"),
    "batch of one cell": (
        lambda raw: with_obs(raw, batch=["rest"] * 399 + ["x"]),
        r"batches of fewer than 3 cells .*: x \(1\); list them under exclude_batches",
    ),
    "batch of two cells": (lambda raw: with_obs(raw, batch=["rest"] * 398 + ["x"] * 2), r": x \(2\); list them"),
    "values times 100": (lambda raw: with_counts(raw, raw.X.toarray() * 100), "every count is a multiple of 100"),
    "binary values": (lambda raw: with_counts(raw, raw.X.toarray() > 0), "every count is 0 or 1"),
    "every cell twice": (
        lambda raw: with_counts(raw, raw.X.toarray()[np.arange(400) // 2]),
        "200 of 400 cells have the same counts as another one; keep one of each",
    ),
    "batches that are the cell types": (
        lambda raw: with_obs(raw, batch=raw.obs["cell_type"].astype(str).str.upper()),
        "every batch is one cell type, and every cell type one batch",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_right_is_refused(simulated, case):
    change, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        data_report(change(simulated))


@pytest.mark.parametrize("n_cells", [9, 10, 11, 12, 15, 49])
def test_cells_too_few_for_harmony_are_refused_before_it_runs(n_cells):
    raw = simulate(n_cells=50, n_genes=60)[:n_cells]
    with pytest.raises(ValueError, match=f"{n_cells} cells are too few for a benchmark"):
        data_report(raw)


def test_repeated_cells_are_those_with_the_counts_of_an_earlier_one():
    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(3.0, (6, 40)).astype(np.int32))
    assert repeated_cells(counts) == 0
    assert repeated_cells(counts[[0, 1, 0, 2, 0]]) == 2
    assert repeated_cells(sparse.csr_matrix(np.eye(5, 40, dtype=np.int32)[[0, 0, 1]])) == 0, "one gene tells nothing"


def test_names_that_were_changed_are_in_the_report(simulated):
    given = anndata.AnnData(X=simulated.X, obs=simulated.obs.astype(str), var=simulated.var)
    given.obs_names = ["twice", "twice", *given.obs_names[2:]]
    given.uns["renamed_genes"] = 3
    raw = standardise(given, source="x", batch_key="batch", label_key="cell_type", counts_layer=None)
    expected = ["1 cell ids stand twice and were numbered", "3 gene names stand twice and were numbered"]
    assert data_report(raw)["warnings"] == expected


def test_the_file_of_the_report_is_its_contract(simulated, tmp_path):
    report = data_report(with_obs(simulated, batch=["Zürich"] * 400))
    path = tmp_path / "data_report.json"
    assert data_warnings(path) == []
    write_data_report(path, report)
    assert read_data_report(path) == report
    assert "Zürich" in path.read_text()
    assert data_warnings(path) == report["warnings"]
    with pytest.raises(ContractError, match="needs exactly the keys cells, genes"):
        write_data_report(path, {"cells": 3})
    path.write_text("{")
    with pytest.raises(ContractError, match=r"data_report.json: its content is not what was written"):
        read_data_report(path)
