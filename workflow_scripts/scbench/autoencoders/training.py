"""The trainer of the neural methods: minibatches cut from a CSR matrix, a weighted sum of loss terms, a history."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import nn

from scbench.contracts import HISTORY_COLUMNS
from scbench.seeding import generator


class TrainingError(RuntimeError):
    """Training that cannot give an embedding; the message names the epoch, the term and the likely cause."""


def automatic_epochs(n_cells: int, batch_size: int, max_steps: int) -> int:
    """Epochs that make about `max_steps` steps, between 20 and 400."""
    return int(np.clip(round(max_steps / math.ceil(n_cells / batch_size)), 20, 400))


def train(
    model: nn.Module,
    counts: sparse.csr_matrix,
    *,
    weights: Callable[[float], dict[str, float]],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> pd.DataFrame:
    """Minimise the weighted sum of `model.losses` with Adam and return the history.

    Parameters
    ----------
    counts
        (n_cells, n_genes) CSR.
    weights
        Progress of the training in [0, 1) to the weight of each loss term.

    Returns
    -------
    Table epoch, term, value: the mean of each unweighted term over the cells of the epoch.

    Raises
    ------
    TrainingError
        When a loss term is not finite.
    """
    device = next(model.parameters()).device
    order = generator(seed, "minibatches")
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=1e-6)
    model.train()
    rows = []
    for epoch in range(epochs):
        sums: dict[str, torch.Tensor] = {}
        term_weights = weights(epoch / epochs)
        for cells in _minibatches(order.permutation(counts.shape[0]), batch_size):
            terms = model.losses(_dense(counts, cells, device))
            _check_finite(terms, epoch)
            optimiser.zero_grad(set_to_none=True)
            sum(term_weights[name] * value for name, value in terms.items()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimiser.step()
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value.detach() * (len(cells) / counts.shape[0])
        for name, value in sums.items():
            rows.append((epoch, name, float(value)))
        print("epoch", epoch, *(f"{name} {float(value):.4f}" for name, value in sums.items()), flush=True)
    return pd.DataFrame(rows, columns=HISTORY_COLUMNS)


@torch.no_grad()
def embed(encoder: nn.Module, counts: sparse.csr_matrix) -> np.ndarray:
    """Apply `encoder.mean` to all cells in order, in evaluation mode; (n_cells, n_dims) float32."""
    encoder.eval()
    device = next(encoder.parameters()).device
    chunks = _minibatches(np.arange(counts.shape[0]), 4096)
    return np.concatenate([encoder.mean(_dense(counts, cells, device)).cpu().numpy() for cells in chunks])


def _check_finite(terms: dict[str, torch.Tensor], epoch: int) -> None:
    for name, value in terms.items():
        if not math.isfinite(value.item()):
            raise TrainingError(f"epoch {epoch}: the loss term '{name}' is {value.item()}; lower learning_rate")


def _minibatches(cells: np.ndarray, size: int) -> list[np.ndarray]:
    return np.array_split(cells, math.ceil(len(cells) / size))


def _dense(counts: sparse.csr_matrix, cells: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(counts[cells].toarray().astype(np.float32)).to(device)
