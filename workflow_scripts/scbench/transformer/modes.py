"""Applications of a pretrained trunk: outputs of genes and classification of cell types."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import nn

from scbench.neural.cells import Cells, CountRows, Counts
from scbench.neural.fit import load
from scbench.neural.training import apply, train
from scbench.seeding import seed_torch
from scbench.transformer.pretraining import CHUNK, Integration, Pretraining

KINDS = (Pretraining, Integration)


def load_trunk(state: dict) -> Pretraining:
    """Rebuild a model from the content of model.pt, in evaluation mode."""
    return load(state, *KINDS)


@torch.no_grad()
def embed(model: Pretraining, counts: Counts, chunk: int = CHUNK) -> Iterator[np.ndarray]:
    """Yield the outputs of all genes of the trunk, (cells, genes, width), for `chunk` cells at a time, in order."""
    cells = Cells("cpu", {"counts": counts})
    for start in range(0, cells.n_cells, chunk):
        taken = cells.take(np.arange(start, min(start + chunk, cells.n_cells)))["counts"]
        assert isinstance(taken, CountRows)
        yield model.trunk.embed(model.values(taken), model.all_genes).numpy()


def cell_tokens(model: Pretraining, counts: CountRows) -> torch.Tensor:
    """Return the normalised cell tokens of a trunk, (n, n_latents x width)."""
    return model.trunk.last(model.trunk.cell(model.values(counts), model.all_genes)).flatten(1)


class Classifier(nn.Module):
    """Cell type classifier on the cell tokens of a trunk: Linear, ReLU, dropout, Linear.

    Parameters
    ----------
    frozen
        Whether to train the head only and keep the weights of the trunk.
    """

    def __init__(self, pretrained: Pretraining, n_types: int, *, hidden: int, dropout: float, frozen: bool) -> None:
        super().__init__()
        self.pretrained = pretrained
        if frozen:
            pretrained.freeze()
        self.head = nn.Sequential(
            nn.Linear(pretrained.trunk.latents.numel(), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_types),
        )

    def features(self, counts: CountRows) -> torch.Tensor:
        """Return the cell tokens, (n, n_latents x width)."""
        return cell_tokens(self.pretrained, counts)

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
