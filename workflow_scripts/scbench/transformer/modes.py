"""Applications of a pretrained trunk: gene outputs, cell type classification, transfer to another dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pandas as pd
import torch
from torch import nn

from scbench.neural.cells import Cells, CountRows, Counts
from scbench.neural.fit import load
from scbench.neural.training import apply, train
from scbench.seeding import seed_torch
from scbench.transformer.parameters import TrunkParameters
from scbench.transformer.pretraining import CHUNK, Integration, Pretraining

KINDS = (Pretraining, Integration)
OF_GENES = ("given", "learned")  # weights of the trunk with one row per gene
LEAST_SHARED_GENES = 10


def load_trunk(state: dict) -> Pretraining:
    """Rebuild a model from the content of model.pt, in evaluation mode."""
    return load(state, *KINDS)


@torch.no_grad()
def transfer(state: dict, genes: np.ndarray, counts: Counts) -> Pretraining:
    """Transfer the trunk of model.pt to another dataset; genes are matched by upper-case symbol.

    Genes missing in either dataset are left out. Gene means, gene standard deviations and the normalisation statistics
    of the trunk are recomputed from the new cells.

    Parameters
    ----------
    genes, counts
        (n_genes,) symbols and counts (n_cells, n_genes) of the new dataset.

    Raises
    ------
    ValueError
        If fewer than 10 genes are shared.
    """
    place = {symbol.upper(): column for column, symbol in reversed(list(enumerate(genes)))}
    shared = [row for row, symbol in enumerate(state["genes"]) if symbol.upper() in place]
    if len(shared) < LEAST_SHARED_GENES:
        raise ValueError(f"the trunk and the dataset share {len(shared)} genes, {LEAST_SHARED_GENES} are needed")
    of_trunk = {one.name for one in fields(TrunkParameters)}
    options = TrunkParameters(**{name: value for name, value in state["parameters"].items() if name in of_trunk})
    model = Pretraining(options, [place[state["genes"][row].upper()] for row in shared])
    prefix = "trunk."
    weights = {name.removeprefix(prefix): w for name, w in state["weights"].items() if name.startswith(prefix)}
    model.trunk.load_state_dict({name: w[shared] if name in OF_GENES else w for name, w in weights.items()})
    model.start_at(counts)
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
            module.momentum = None  # None: cumulative average over the following batches
            module.train()
    apply(lambda counts: model.trunk.cell(model.values(counts), model.all_genes), Cells("cpu", {"counts": counts}))
    return model.eval()


@torch.no_grad()
def embed(model: Pretraining, counts: Counts, chunk: int = CHUNK) -> Iterator[np.ndarray]:
    """Yield the outputs of all genes of the trunk, (cells, genes, width), for `chunk` cells at a time, in order."""
    cells = Cells("cpu", {"counts": counts})
    for start in range(0, cells.n_cells, chunk):
        taken = cells.take(np.arange(start, min(start + chunk, cells.n_cells)))["counts"]
        assert isinstance(taken, CountRows)
        yield model.trunk.embed(model.values(taken), model.all_genes).numpy()


class Classifier(nn.Module):
    """Cell type classifier on the cell tokens of a trunk: Linear, ReLU, dropout, Linear.

    Parameters
    ----------
    frozen
        Whether to train the head only and keep the weights of the trunk.
    """

    def __init__(self, pretrained: Pretraining, n_types: int, *, hidden: int, dropout: float, frozen: bool) -> None:
        super().__init__()
        self.pretrained, self.frozen = pretrained, frozen
        pretrained.requires_grad_(not frozen)
        self.head = nn.Sequential(
            nn.Linear(pretrained.trunk.latents.numel(), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_types),
        )

    def train(self, mode: bool = True) -> Classifier:
        super().train(mode)
        if self.frozen:
            self.pretrained.eval()
        return self

    def features(self, counts: CountRows) -> torch.Tensor:
        """Return the cell tokens, (n, n_latents x width)."""
        model = self.pretrained
        return model.trunk.last(model.trunk.cell(model.values(counts), model.all_genes)).flatten(1)

    def logits(self, cells: CountRows | torch.Tensor) -> torch.Tensor:
        """Return logits (n, n_types) for counts or features."""
        return self.head(self.features(cells) if isinstance(cells, CountRows) else cells)

    def losses(self, cells: CountRows | torch.Tensor, label: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return {cross_entropy}."""
        return {"cross_entropy": nn.functional.cross_entropy(self.logits(cells), label)}


def classify(
    pretrained: Pretraining,
    counts: Counts,
    labels: np.ndarray,
    new: Counts,
    *,
    seed: int,
    device: str = "cpu",
    hidden: int = 128,
    dropout: float = 0.3,
    frozen: bool = True,
    epochs: int = 20,
    learning_rate: float = 2e-3,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Train on `counts` and `labels`; return the predicted cell types of the cells `new` and the history."""
    seed_torch(seed)
    types, codes = np.unique(labels, return_inverse=True)
    model = Classifier(pretrained, len(types), hidden=hidden, dropout=dropout, frozen=frozen).to(device)
    # the features of a frozen trunk do not change, so they are computed once
    shown = apply(model.eval().features, Cells(device, {"counts": counts}), chunk=CHUNK) if frozen else counts
    history = train(
        model,
        Cells(device, {"cells": shown, "label": codes}),
        weights=lambda progress: {"cross_entropy": 1.0},
        epochs=epochs,
        learning_rate=learning_rate,
        cosine_from=0.5,
        seed=seed,
    )
    logits = apply(model.eval().logits, Cells(device, {"cells": new}), chunk=CHUNK)
    return types[logits.argmax(axis=1)], history
