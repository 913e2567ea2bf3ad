"""Convolutions over genes, which are first ordered by co-expression because they have no natural order."""

from itertools import pairwise

import numpy as np
import torch
from scipy import sparse
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from torch import nn

from scbench.neural.networks import ACTIVATIONS

CHANNELS = (1, 8, 16, 32)
KERNEL, STRIDE = 9, 4


def co_expression_order(X: sparse.csr_matrix, n_cells: int = 2000) -> np.ndarray:
    """Order genes so that correlated genes are adjacent: the leaf order of average linkage on 1 - correlation.

    X is log-normalised CSR (n_cells, n_genes); about `n_cells` evenly spaced rows are used.
    """
    correlation = np.corrcoef(X[:: max(1, X.shape[0] // n_cells)].toarray(), rowvar=False)
    distance = np.clip(1 - np.nan_to_num((correlation + correlation.T) / 2), 0, 2)
    np.fill_diagonal(distance, 0)
    return leaves_list(linkage(squareform(distance, checks=False), method="average"))


class Convolution(nn.Module):
    """Three convolutions of width 9 and stride 4 over the ordered genes, then a layer; replaces a `Perceptron`."""

    order: torch.Tensor

    def __init__(self, n_genes: int, n_out: int, *, activation: str, dropout: float) -> None:
        super().__init__()
        self.register_buffer("order", torch.arange(n_genes))
        self.layers = nn.ModuleList(
            [nn.Conv1d(a, b, KERNEL, STRIDE, padding=KERNEL // 2) for a, b in pairwise(CHANNELS)]
        )
        self.norm = nn.ModuleList([nn.BatchNorm1d(width, eps=1e-3, momentum=0.01) for width in CHANNELS[1:]])
        self.activation, self.dropout = ACTIVATIONS[activation], nn.Dropout(dropout)
        length = -(-n_genes // STRIDE ** len(self.layers))
        self.out = nn.Linear(CHANNELS[-1] * length, n_out)

    def forward(self, h, condition, batch) -> torch.Tensor:
        h = h[:, None, self.order]
        for layer, norm in zip(self.layers, self.norm, strict=True):
            h = self.activation(norm(layer(h)))
        return self.dropout(self.activation(self.out(h.flatten(1))))
