"""A table of human genes from public sources: names (HGNC), summaries (NCBI Gene), classes and pathways (Reactome)."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from scbench.files import atomic
from scbench.gene_sets import read_gmt
from scbench.types import ContractError

HUMAN = 9606  # taxonomy id
SMALLEST, LARGEST = (
    40,
    200,
)  # genes of a pathway; smaller ones say little, larger ones hold many others


def gene_table(sources: Mapping[str, str | Path]) -> pd.DataFrame:
    """Join public files to one table of genes.

    Parameters
    ----------
    sources
        {names, summaries, pathways: file}, in the formats in which they are published: `hgnc_complete_set.txt`,
        `gene_summary.gz` of NCBI Gene, and `.gmt`, also within a `.zip`. Only the names are required.

    Returns
    -------
    One row per approved symbol: text columns symbol, name, gene_group and, with summaries, summary; columns of 0 and 1
    with the class of the gene and, with pathways, the pathways of 40 to 200 genes.

    Raises
    ------
    ContractError
        If a file has not the columns of its format.
    """
    genes = _read(sources["names"], ["symbol", "name", "status", "locus_group", "gene_group", "entrez_id"])
    genes = genes[genes["status"] == "Approved"].drop_duplicates("symbol").reset_index(drop=True)
    table = genes[["symbol", "name", "gene_group"]].copy()
    if "summaries" in sources:
        summaries = _read(sources["summaries"], ["#tax_id", "GeneID", "Summary"])
        summaries = summaries[summaries["#tax_id"] == str(HUMAN)].drop_duplicates("GeneID").set_index("GeneID")
        table["summary"] = genes["entrez_id"].map(summaries["Summary"]).fillna("")
    attributes = {f"class: {name}": genes["locus_group"] == name for name in sorted(set(genes["locus_group"]))}
    if "pathways" in sources:
        members = {name: set(symbols) for name, symbols in _pathways(sources["pathways"]).items()}
        attributes |= {
            name: genes["symbol"].isin(members[name])
            for name in sorted(members)
            if SMALLEST <= len(members[name]) <= LARGEST
        }
    return pd.concat([table, pd.DataFrame(attributes).astype("int8")], axis=1)


def write_gene_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table as .xlsx, .tsv or .tsv.gz; in .xlsx, the cells of zeros are left empty, which keeps it small."""
    with atomic(path) as partial:
        if str(path).endswith(".xlsx"):
            table.where(table != 0).to_excel(partial, index=False, engine="openpyxl")
        else:
            table.to_csv(partial, sep="\t", index=False, compression="gzip" if str(path).endswith(".gz") else None)


def _read(path: str | Path, columns: list[str]) -> pd.DataFrame:
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, na_filter=False, quoting=3)
    if missing := [column for column in columns if column not in table]:
        raise ContractError(f"{path}: has no column '{missing[0]}'; found: {', '.join(table.columns[:10])}")
    return table[columns]


def _pathways(path: str | Path) -> dict[str, list[str]]:
    if not zipfile.is_zipfile(path):
        return read_gmt(path)
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if name.endswith(".gmt")]
        if len(inside) != 1:
            raise ContractError(f"{path}: holds {len(inside)} files .gmt; give an archive with one")
        return read_gmt(zipfile.Path(archive, inside[0]))
