"""Gene vectors from tables of gene functions with binary columns and text columns."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scbench.gene_knowledge.sentences import NoSentenceModel, embed, find_model
from scbench.gene_sets import read_gmt
from scbench.provenance import package_versions
from scbench.seeding import generator
from scbench.types import ContractError

SYMBOL = "symbol"
WIDTH_OF_ATTRIBUTES = 128
LEAST_GENES = 10  # minimum number of genes in the tables; fewer do not distinguish genes


def of_tables(
    genes: np.ndarray, *, tables: Sequence[str], text_columns: Sequence[str] | None, sentence_model: str, width: int
) -> tuple[np.ndarray, dict]:
    """Return gene vectors from the existing files of `tables`, and a report; see `knowledge_vectors`."""
    missing = [str(path) for path in tables if not Path(path).exists()]
    report = {"missing_tables": missing} if missing else {}
    if len(missing) == len(tables):
        return _off(report, "no table of gene knowledge is there" if tables else "gene_knowledge.tables is empty")
    table = read_tables([path for path in tables if Path(path).exists()])
    vectors, found = knowledge_vectors(
        table, genes, text_columns=text_columns, sentence_model=sentence_model, width=width
    )
    return vectors, report | found


def read_tables(paths: Sequence[str | Path], *, n_rows: int | None = None) -> pd.DataFrame:
    """Read tables (.xlsx, .csv, .tsv, the latter two also .gz) with one row per gene symbol, and join them.

    Gene sets (.gmt) are tables with a column of 0 and 1 for each set.

    Parameters
    ----------
    n_rows
        Number of rows of each table that are read; None: all.

    Raises
    ------
    ContractError
        If a file has another format or is damaged, has no column `symbol`, or has a column of an earlier table.
    """
    joined = pd.DataFrame()
    for path in map(Path, paths):
        name = path.name.removesuffix(".gz")
        try:
            if name.endswith(".xlsx"):
                table = pd.read_excel(path, nrows=n_rows)
            elif name.endswith((".csv", ".tsv")):
                table = pd.read_csv(path, sep="," if name.endswith(".csv") else "\t", nrows=n_rows)
            elif name.endswith(".gmt"):
                table = _of_sets(read_gmt(path))
            else:
                raise ContractError(f"{path}: a table of gene knowledge is .xlsx, .csv, .tsv or .gmt")
        except (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile) as error:
            if isinstance(error, ContractError):
                raise
            words = " ".join(str(error).split()) or type(error).__name__
            raise ContractError(f"{path}: is not a readable table ({words}); write or fetch it again") from error
        if SYMBOL not in table:
            raise ContractError(f"{path}: has no column '{SYMBOL}'; found: {', '.join(map(str, table.columns[:10]))}")
        table[SYMBOL] = table[SYMBOL].astype(str).str.upper()
        table = table.drop_duplicates(SYMBOL).set_index(SYMBOL)
        if twice := sorted(set(table) & set(joined)):
            raise ContractError(f"{path}: the column '{twice[0]}' is in another table, too")
        joined = joined.join(table, how="outer") if len(joined) else table
    return joined


def ignored_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of numbers other than 0 and 1, which give no vectors."""
    numbers = table.select_dtypes("number").fillna(0)
    return [str(name) for name in numbers if not numbers[name].isin([0, 1]).all()]


def _of_sets(sets: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return a table with a row per gene and a column per set."""
    members = {name: [gene.upper() for gene in genes] for name, genes in sets.items()}
    symbols = list(dict.fromkeys(gene for genes in members.values() for gene in genes))
    columns = {name: np.isin(symbols, genes).astype(np.int8) for name, genes in members.items()}
    return pd.DataFrame({SYMBOL: symbols, **columns})


def knowledge_vectors(
    table: pd.DataFrame, genes: np.ndarray, *, text_columns: Sequence[str] | None, sentence_model: str, width: int
) -> tuple[np.ndarray, dict]:
    """Convert a table to gene vectors.

    Binary columns pass through a linear layer with fixed random weights, texts through a sentence model. The two parts
    are scaled to the same total variance, concatenated and reduced by PCA.

    Parameters
    ----------
    table
        Table indexed by upper-case gene symbol. Numeric columns with values other than 0 and 1 are ignored.
    genes
        (n_genes,) names, compared in upper case.
    text_columns
        Columns whose texts are joined; None: all text columns.
    width
        Maximum width of the vectors.

    Returns
    -------
    (n_genes, at most `width`) float32, which is 0 for genes that are not in the table and has no rows if the table has
    no usable information; and a report on what was used.
    """
    symbols = pd.Index(genes).str.upper()
    known = symbols.isin(table.index)
    report: dict[str, object] = {"genes": len(genes), "genes_in_table": int(known.sum())}
    if ignored := ignored_columns(table):
        report["ignored_columns"] = ignored
    if known.sum() < LEAST_GENES:
        return _off(report, f"{known.sum()} of {len(genes)} genes are in the tables, {LEAST_GENES} are needed")
    rows = table.loc[symbols[known]]
    numbers = rows.select_dtypes("number").fillna(0)
    attributes = numbers.loc[:, numbers.isin([0, 1]).all() & numbers.any()].to_numpy(np.float32)
    text_columns = list(rows.select_dtypes(["object", "string"]) if text_columns is None else text_columns)
    if unknown := [column for column in text_columns if column not in rows]:
        raise ContractError(f"gene_knowledge.text_columns: no table has the column '{unknown[0]}'")
    parts = []
    if attributes.shape[1]:
        layer = generator(0, "attributes").standard_normal((attributes.shape[1], WIDTH_OF_ATTRIBUTES))
        parts.append(attributes @ layer.astype(np.float32))
        report["attributes"] = attributes.shape[1]
    if text_columns:
        texts = rows[text_columns].fillna("").astype(str).agg(". ".join, axis=1)
        try:
            parts.append(embed(texts.tolist(), find_model(sentence_model)))
            versions = package_versions("sentence-transformers", "transformers")
            report |= {"text_columns": text_columns, "sentence_model": sentence_model, "versions": versions}
        except NoSentenceModel as error:
            report["text_off"] = str(error)
    if not parts:
        return _off(report, "the tables hold neither columns of 0 and 1 nor usable text")
    centred = [part - part.mean(axis=0) for part in parts]
    both = np.hstack([part / max(np.linalg.norm(part), 1e-6) for part in centred])
    left, singular, _ = np.linalg.svd(both, full_matrices=False)
    vectors = np.zeros((len(genes), min(width, len(singular))), dtype=np.float32)
    vectors[known] = (left * singular)[:, : vectors.shape[1]]
    return vectors, report


def _off(report: dict, reason: str) -> tuple[np.ndarray, dict]:
    return np.zeros((0, 0), dtype=np.float32), report | {"off": reason}
