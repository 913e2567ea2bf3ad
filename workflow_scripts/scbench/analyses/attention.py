"""Gene-gene attention per cell type."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from scbench.neural.cells import Cells, CountRows, Counts
from scbench.runner import FinishedRun
from scbench.transformer.modes import load_trunk
from scbench.transformer.pretraining import CHUNK, Pretraining

MAX_CELLS = 500  # per type; the mean attention does not change with more


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Return the gene pairs whose attention in a cell type most exceeds the mean over types; see `attention_pairs`."""
    genes = np.array(run.model["genes"])
    counts = Counts.of(run.data("counts"))
    return {"attention": attention_pairs(load_trunk(run.model), genes, counts, run.labels)}


@torch.no_grad()
def mean_attention(model: Pretraining, counts: Counts) -> np.ndarray:
    """Return the mean attention from gene to gene over cells, (genes, genes); every row sums to 1.

    With latents, this is the attention from genes to latents times that from latents to genes.
    """
    cells = Cells("cpu", {"counts": counts})
    total = torch.zeros(len(model.columns), len(model.columns))
    for start in range(0, cells.n_cells, CHUNK):
        taken = cells.take(np.arange(start, min(start + CHUNK, cells.n_cells)))["counts"]
        assert isinstance(taken, CountRows)
        to_latents, to_genes = model.trunk.attention(model.values(taken), model.all_genes)
        total += to_latents.permute(1, 0, 2).flatten(1) @ to_genes.flatten(0, 1)
    return (total / cells.n_cells).numpy()


def attention_pairs(
    model: Pretraining, genes: np.ndarray, counts: Counts, labels: np.ndarray, *, top: int = 20
) -> pd.DataFrame:
    """Find the gene pairs whose attention in a cell type most exceeds the mean over types.

    Each gene is the target of at most one pair per type. Genes differ in how much attention they receive more than in
    which genes attend to them, so a few genes would otherwise be the targets of all pairs.

    Parameters
    ----------
    genes
        (genes of the trunk,) names.
    counts, labels
        (n_cells, n_genes); (n_cells,) cell types; cells with an empty label are left out.

    Returns
    -------
    Table with the columns cell_type, gene, attends_to, attention, mean_of_types, excess; `top` rows per type, largest
    excess first.
    """
    types = sorted(set(labels) - {""})
    attention = {name: mean_attention(model, counts[np.flatnonzero(labels == name)[:MAX_CELLS]]) for name in types}
    average = np.mean(list(attention.values()), axis=0)
    tables = []
    for name, found in attention.items():
        excess = found - average
        np.fill_diagonal(excess, -np.inf)
        most = excess.argmax(axis=0)  # for every target, the gene that attends to it most
        b = np.argsort(-excess[most, np.arange(len(genes))], kind="stable")[:top]
        a = most[b]
        columns = {"gene": genes[a], "attends_to": genes[b], "attention": found[a, b], "mean_of_types": average[a, b]}
        tables.append(pd.DataFrame({"cell_type": name, **columns, "excess": excess[a, b]}))
    return pd.concat(tables, ignore_index=True)
