"""Embeddings made elsewhere: every format gives the same rows, and a file that does not fit is refused by name."""

import gzip

import anndata
import numpy as np
import pandas as pd
import pytest

from scbench.config import load_config
from scbench.datasets.external import as_embedding, check_source, read_external
from scbench.datasets.validate import standardise
from scbench.files import read_cells_of_source, write_raw
from scbench.metrics.suite import score_embedding
from scbench.parameters import ParameterError
from scbench.plan import plan_runs
from scbench.registry import load_registry
from scbench.types import ConfigError

CELLS = pd.Index([f"{i:03}" for i in range(120)])  # ids that look like numbers stay text
X = np.random.default_rng(0).standard_normal((120, 4)).astype(np.float32)
X[CELLS < "060"] += 2


def write(folder, name: str, ids=CELLS, values=X) -> dict:
    """Write an embedding in the format of its name; return its settings."""
    path = folder / name
    table = pd.DataFrame(values, index=pd.Index(ids, name="cell"), columns=[f"d{i}" for i in range(values.shape[1])])
    match name.partition(".")[2]:
        case "csv" | "csv.gz":
            table.to_csv(path)
        case "tsv":
            table.to_csv(path, sep="\t", quoting=1)
        case "parquet":
            table.to_parquet(path)
        case "h5ad":
            anndata.AnnData(obs=table[[]], obsm={"X_other": values + 1, "X_mine": values}).write_h5ad(path)
            return {"path": str(path), "obsm": "X_mine"}
        case "npy":
            np.save(path, values)
            (folder / "ids.txt").write_text("\n".join(ids) + "\n")
            return {"path": str(path), "ids": str(folder / "ids.txt")}
    return {"path": str(path)}


FORMATS = ["cca.csv", "cca.csv.gz", "cca.tsv", "cca.parquet", "cca.h5ad", "cca.npy"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_shuffled_embedding_in_any_format_gives_the_same_bits_and_scores(tmp_path, name):
    order = np.random.default_rng(1).permutation(len(CELLS))
    settings = write(tmp_path, name, CELLS[order], X[order])
    check_source(settings)
    found = read_external(settings, CELLS, CELLS)
    assert found.dtype == np.float32
    assert np.array_equal(found, X)
    data = {"pca": X, "batch": np.tile(["a", "b"], 60), "labels": np.where(CELLS < "060", "t", "u")}
    metrics = {"bio": ["clisi", "nmi_leiden_r1"], "batch": ["ilisi"], "extra": []}
    first, again = (score_embedding(values, metrics=metrics, **data) for values in (X, found))
    assert (first["status"] == "ok").all()
    pd.testing.assert_frame_equal(first, again, check_exact=True)


def test_a_parquet_file_without_an_index_has_its_cell_ids_in_the_first_column(tmp_path):
    """As arrow::write_parquet in R writes it."""
    table = pd.DataFrame(X.astype(float)).rename(columns=str)
    table.insert(0, "cell", CELLS)
    table.to_parquet(tmp_path / "cca.parquet", index=False)
    assert np.array_equal(read_external({"path": str(tmp_path / "cca.parquet")}, CELLS, CELLS), X)


def test_a_table_of_write_table_in_r_has_one_name_less_in_its_first_line(tmp_path):
    lines = [
        '"PC_1"\t"PC_2"',
        *(f'"{cell}"\t{row[0]!r}\t{row[1]!r}' for cell, row in zip(CELLS, X.tolist(), strict=True)),
    ]
    (tmp_path / "cca.tsv").write_text("\n".join(lines))
    assert np.array_equal(read_external({"path": str(tmp_path / "cca.tsv")}, CELLS, CELLS), X[:, :2])


def with_value(value: float) -> np.ndarray:
    changed = X.astype(float)
    changed[[5, 7], 1] = value
    return changed


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("ids", "values", "words"),
    [
        (CELLS[2:], X[2:], "lacks 2 cells (000, 001) of the dataset"),
        (CELLS.append(pd.Index(["alien"])), np.vstack([X, X[:1]]), "has 1 cell (alien) that the dataset does not have"),
        (CELLS.append(CELLS[:4]), np.vstack([X, X[:4]]), "has several rows for 4 cells (000, 001, 002, ...)"),
        (CELLS, with_value(np.nan), "not finite (NaN or inf) in 2 cells (005, 007)"),
        (CELLS, with_value(-np.inf), "not finite (NaN or inf) in 2 cells (005, 007)"),
        (CELLS, with_value(1e300), "not finite (NaN or inf) in 2 cells (005, 007)"),
        ("x" + CELLS, X, "has no cell of the dataset; it has 120 cells (x000, x001, x002, ...)"),
    ],
    ids=["missing", "foreign", "twice", "nan", "inf", "beyond single precision", "other ids"],
)
def test_cells_and_values_that_do_not_fit_are_named(tmp_path, name, ids, values, words):
    settings = write(tmp_path, name, ids, values)
    with pytest.raises(ValueError, match="cca") as error:
        read_external(settings, CELLS, CELLS)
    assert words in str(error.value)


def test_cells_that_the_dataset_left_out_may_be_in_the_file_and_need_no_values(tmp_path):
    """Cells without counts and those of excluded batches belong to the source, whatever their values."""
    counts = np.ones((120, 5))
    counts[3] = 0
    obs = pd.DataFrame({"batch": np.where(CELLS < "110", "a", "b")}, index=CELLS)
    raw = standardise(anndata.AnnData(counts, obs=obs), source="x", batch_key="batch", label_key=None,
                      counts_layer=None, exclude_batches=["b"])  # fmt: skip
    write_raw(tmp_path / "raw.h5ad", raw)
    source = read_cells_of_source(tmp_path / "raw.h5ad")
    assert raw.n_obs == 109
    assert sorted(source) == list(CELLS)
    values = X.copy()
    values[3] = np.nan
    found = read_external(write(tmp_path, "cca.csv", values=values), raw.obs_names, source)
    assert np.array_equal(found, X[np.isin(CELLS, raw.obs_names)])


def test_the_cells_of_a_source_of_which_nothing_is_left_out_are_its_own(tmp_path):
    raw = standardise(anndata.AnnData(np.ones((120, 3)), obs=pd.DataFrame({"batch": "a"}, index=CELLS)), source="x",
                      batch_key="batch", label_key=None, counts_layer=None)  # fmt: skip
    write_raw(tmp_path / "raw.h5ad", raw)
    assert list(read_cells_of_source(tmp_path / "raw.h5ad")) == list(CELLS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("cell,a\n000,1\n001,B cell\n", "holds 'B cell' for cell 001; only numbers"),
        ("cell\n000\n001\n", "has no column besides the cell ids"),
        ("", "needs a first line of names"),
    ],
)
def test_a_text_table_of_another_shape_is_refused(tmp_path, content, words):
    (tmp_path / "cca.csv").write_text(content)
    with pytest.raises(ValueError, match=r"cca\.csv") as error:
        read_external({"path": str(tmp_path / "cca.csv")}, CELLS[:2], CELLS)
    assert words in str(error.value)


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"cell,a\n000,1\n" * 99)[:40])
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "text.parquet").write_text("no table")
    (tmp_path / "ids.txt").write_text("\n".join(CELLS[1:]))
    np.save(tmp_path / "good.npy", X)
    for settings, words in (
        ({"path": "cut.csv.gz"}, "cut.csv.gz: needs a first line"),
        ({"path": "text.parquet"}, "text.parquet: is not a readable .parquet"),
        ({"path": "text.npy", "ids": "ids.txt"}, "text.npy: is not a .npy file"),
        ({"path": "good.npy", "ids": "ids.txt"}, "ids.txt: has 119 lines for"),
    ):
        with pytest.raises(ValueError, match=words):
            read_external({key: str(tmp_path / name) for key, name in settings.items()}, CELLS, CELLS)


@pytest.mark.parametrize("array", [np.zeros(120), np.zeros((120, 0)), np.zeros((120, 2), dtype=bool)])
def test_an_array_that_is_no_embedding_is_refused(array):
    with pytest.raises(ValueError, match=r"obsm X: is \w+ of shape"):
        as_embedding("obsm X", array, CELLS)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"path": "nowhere.csv"}, "path: the file nowhere.csv does not exist"),
        ({"path": "cca.rds"}, "path: cca.rds has an unknown format; known: .csv, .tsv, .csv.gz"),
        ({"path": "cca.npy.gz"}, "path: cca.npy.gz has an unknown format"),
        ({"path": "{here}/cca.npy"}, "ids: is missing"),
        ({"path": "{here}/cca.npy", "ids": "nowhere.txt"}, "ids: the file nowhere.txt does not exist"),
        ({"path": "{here}/cca.h5ad"}, "obsm: is missing"),
        ({"path": "{here}/cca.h5ad", "obsm": "X_his"}, "obsm: 'X_his' is not in"),
        ({"path": "{here}/cca.csv", "obsm": "X_mine"}, "obsm: belongs to .h5ad files only"),
        ({"path": "{here}/page.h5ad", "obsm": "X_mine"}, "path: {here}/page.h5ad is not an HDF5 file"),
    ],
)
def test_what_can_be_checked_without_reading_is_an_error_of_the_configuration(tmp_path, settings, words):
    for name in FORMATS:
        write(tmp_path, name)
    (tmp_path / "page.h5ad").write_text("<html>not found</html>")
    settings = {key: value.format(here=tmp_path) for key, value in settings.items()}
    with pytest.raises(ParameterError) as error:
        check_source(settings)
    assert str(error.value).startswith(words.format(here=tmp_path))


# ---- in the configuration, the registry and the plan


def configured(root, write_yaml, embeddings: dict, **more) -> dict:
    own = {"simulate": {"n_cells": 150}, "embeddings": embeddings}
    settings = {"benchmark": {"datasets": ["mine", "sim_nested"]}, "datasets": {"mine": own, **more}}
    return load_config(root / "config", settings, [write_yaml(settings)])


def test_a_wrong_file_is_named_with_key_and_configuration(root, write_yaml):
    with pytest.raises(ConfigError, match=r"mine.yaml: datasets.mine.embeddings.cca.path: the file nowhere.csv does"):
        configured(root, write_yaml, {"cca": {"path": "nowhere.csv"}})
    with pytest.raises(ConfigError, match=r"mine.yaml: datasets.mine.embeddings.cca.obs: unknown key; known: path"):
        configured(root, write_yaml, {"cca": {"path": "nowhere.csv", "obs": "X"}})


def test_the_files_of_datasets_that_are_not_run_are_not_needed(root, write_yaml):
    other = {"simulate": {"n_cells": 150}, "embeddings": {"cca": {"path": "nowhere.csv"}}}
    assert "cca" not in load_registry(configured(root, write_yaml, {}, other=other)["methods"])


def test_an_embedding_is_one_run_of_its_dataset_ranked_beside_the_methods(root, write_yaml, tmp_path):
    embeddings = {"cca": write(tmp_path, "cca.csv") | {"label": "CCA"}, "scanvi_theirs": write(tmp_path, "cca.tsv")}
    embeddings["scanvi_theirs"]["uses_labels"] = True
    config = configured(root, write_yaml, embeddings)
    registry = load_registry(config["methods"], config["datasets"])
    assert (registry["cca"].label, registry["cca"].reported_kind) == ("CCA", "external")
    assert (registry["scanvi_theirs"].label, registry["scanvi_theirs"].reported_kind) == ("scanvi_theirs", "supervised")
    runs = [run for run in plan_runs(config, registry) if run.method in embeddings]
    assert [(run.dataset, run.method, run.seed, run.status) for run in runs] == [
        ("mine", "cca", 0, "planned"),
        ("mine", "scanvi_theirs", 0, "planned"),
    ]


@pytest.mark.parametrize("taken", ["harmony", "cvae_nb_vamp"])
def test_an_id_of_the_registry_is_refused(root, write_yaml, tmp_path, taken):
    with pytest.raises(ConfigError, match=rf"mine.yaml: datasets.mine.embeddings.{taken}: this id is taken"):
        configured(root, write_yaml, {taken: write(tmp_path, "cca.csv")})


def test_an_embedding_of_several_datasets_is_one_method(root, write_yaml, tmp_path):
    settings = write(tmp_path, "cca.csv")
    other = {"simulate": {"n_cells": 150}, "embeddings": {"cca": settings}}
    config = configured(root, write_yaml, {"cca": settings}, other=other)
    assert "cca" in load_registry(config["methods"], config["datasets"])
    other["embeddings"] = {"cca": settings | {"label": "CCA"}}
    with pytest.raises(ConfigError, match=r"datasets\.other.embeddings.cca: label and uses_labels differ"):
        configured(root, write_yaml, {"cca": settings}, other=other)


def test_an_embedding_is_not_listed_under_methods(root, write_yaml, tmp_path):
    config = configured(root, write_yaml, {"cca": write(tmp_path, "cca.csv")})
    config["benchmark"]["methods"] = ["cca"]
    with pytest.raises(ConfigError, match=r"benchmark.methods: 'cca' is an embedding of a dataset"):
        plan_runs(config, load_registry(config["methods"], config["datasets"]))
