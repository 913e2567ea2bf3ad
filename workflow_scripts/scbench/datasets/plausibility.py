"""Whether values can be counts of molecules, and groups of cells can be what they are said to be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import anndata
import numpy as np
from scipy import sparse

PROFILES = 20  # genes with counts; cells with fewer can have the same counts by chance
ENOUGH = 1000  # values that are not zero, for a statement about all of them
LARGE_OF_LOGARITHMS = 12  # exp(12) counts per ten thousand are not possible
DEEP = 500  # median counts per cell, with which some gene has more than LARGE_OF_LOGARITHMS
SHALLOW = 100  # median counts per cell
OUTLIER = 50  # times the median of all cells
CONSTANT = 0.02  # coefficient of variation of the counts per cell
SPARSE = 0.5  # share of zeros, from which on 1 is the most frequent count
FEW_CELLS = 10  # of a batch
REPEATED = 0.25  # share of the cells; half of them, if every cell stands twice
SPECIES = {"human": r"ENSG\d|GRCh38_|hg19_", "mouse": r"ENSMUSG\d|GRCm39_|mm10_|GRCm38_"}
SYMBOLS = {"human": r"[A-Z][A-Z0-9.-]+$", "mouse": r"[A-Z][a-z][a-z0-9.-]*$"}
SHARE_OF_SPECIES = 0.2


def refuse(report: dict[str, Any], counts: sparse.csr_matrix) -> None:
    """Raise ValueError if the values or groups cannot be right, whatever the experiment was."""
    data = counts.data
    if len(data) >= ENOUGH:
        if data.max() == 1:
            raise ValueError("every count is 0 or 1: the values were made binary; give the counts before that")
        if (common := int(np.gcd.reduce(data))) > 1:
            raise ValueError(f"every count is a multiple of {common}: the values were scaled; divide them by {common}")
    if report["repeated_cells"] > REPEATED * report["cells"]:
        words = f"{report['repeated_cells']} of {report['cells']} cells have the same counts as another one"
        raise ValueError(f"{words}; keep one of each, because the neighbours of a cell would be its copies")
    table = report["cells_of_types"]
    pairs = {(batch, type_) for batch, sizes in table.items() for type_, cells in sizes.items() if cells}
    if len(table) > 1 and len(pairs) == len(table) == len(report["cell_types"]):
        words = "every batch is one cell type, and every cell type one batch"
        raise ValueError(f"{words}: no score can tell them apart; set label_key to another column or to null")


def doubts_about_counts(
    report: dict[str, Any], counts: sparse.csr_matrix, totals: np.ndarray, raw: anndata.AnnData
) -> Iterator[str]:
    """Yield a sentence for everything about the counts that is seldom right."""
    median = report["counts_per_cell"]["median"]
    if len(counts.data) >= ENOUGH:
        if report["largest_count"] <= LARGE_OF_LOGARITHMS and median >= DEEP:
            yield f"the largest count is {report['largest_count']}, the values may be rounded logarithms"
        ones, twos = (int((counts.data == value).sum()) for value in (1, 2))
        if report["share_of_zeros"] > SPARSE and ones < twos:
            yield "2 is more frequent than 1, the values may be normalised and rounded"
    if totals.std() < CONSTANT * totals.mean():
        yield f"all cells have about {median:.0f} counts, the values may be normalised or sampled to equal depth"
    if median < SHALLOW:
        yield f"half of the cells have at most {median:.0f} counts"
    if (largest := totals.max()) > OUTLIER * median:
        cell = raw.obs_names[int(totals.argmax())]
        yield f"the cell {cell} has {largest:.0f} counts, {largest / median:.0f} times the median of all cells"
    if report["repeated_cells"]:
        yield f"{report['repeated_cells']} cells have the same counts as another one"
    yield from _doubts_about_genes(raw.var_names)


def _doubts_about_genes(genes: Iterable[str]) -> Iterator[str]:
    names = list(map(str, genes))
    for patterns in (SPECIES, SYMBOLS):
        shares = {
            species: sum(re.match(pattern, name) is not None for name in names) / max(len(names), 1)
            for species, pattern in patterns.items()
        }
        if min(shares.values()) > SHARE_OF_SPECIES:
            found = " and ".join(f"{share:.0%} of {species}" for species, share in shares.items())
            yield f"the genes may be those of two species: {found}"
            return


def doubts_about_groups(report: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for everything about batches and cell types that makes scores doubtful."""
    for key, words in {"batches": "batches", "cell_types": "cell types"}.items():
        alike = defaultdict(list)
        for name in report[key]:
            alike[re.sub(r"\s+", "", name).casefold()].append(name)
        for names in alike.values():
            if len(names) > 1:
                yield f"the {words} {' and '.join(map(repr, names))} differ only in case or spaces"
    if len(report["batches"]) == 1:
        yield "there is one batch, so there are no batch scores, no total and no rank"
    small = [f"{name} ({cells})" for name, cells in report["batches"].items() if cells < FEW_CELLS]
    if small:
        yield f"batches of fewer than {FEW_CELLS} cells hardly count in scores: {', '.join(small)}"
    if len(report["cell_types"]) == 1:
        yield "there is one cell type, so there are few scores of biology"
    elif len(report["batches"]) > 1 and report["shared_types"] == 0:
        yield "no cell type is in several batches, so batch effects and biology cannot be told apart"
