"""Networks: multilayer perceptrons, an encoder to a Gaussian, a decoder to the means of counts."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

TARGET_SUM = 1e4


def perceptron(widths: Sequence[int], dropout: float) -> nn.Sequential:
    """Stack Linear, LayerNorm, GELU, Dropout between consecutive `widths`."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.LayerNorm(n_out), nn.GELU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers)


class GaussianEncoder(nn.Module):
    """Counts (n, n_genes) to the mean and log variance (n, latent_dim) of a diagonal Gaussian."""

    def __init__(self, n_genes: int, hidden: Sequence[int], latent_dim: int, dropout: float) -> None:
        super().__init__()
        self.trunk = perceptron([n_genes, *hidden], dropout)
        self.to_mean = nn.Linear(hidden[-1], latent_dim)
        self.to_log_variance = nn.Linear(hidden[-1], latent_dim)

    def forward(self, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = self.trunk(log_normalise(counts))
        return self.to_mean(h), self.to_log_variance(h).clamp(-10, 10)

    def mean(self, counts: torch.Tensor) -> torch.Tensor:
        return self(counts)[0]


class MeanDecoder(nn.Module):
    """Latent (n, latent_dim) to the mean counts (n, n_genes): shares of the genes times the cell's library size."""

    def __init__(self, latent_dim: int, hidden: Sequence[int], n_genes: int) -> None:
        super().__init__()
        self.trunk = perceptron([latent_dim, *hidden], dropout=0.0)
        self.to_logits = nn.Linear(hidden[-1], n_genes)

    def forward(self, z: torch.Tensor, library: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.to_logits(self.trunk(z)), dim=1) * library + 1e-8


def log_normalise(counts: torch.Tensor) -> torch.Tensor:
    """log1p of counts scaled to 10,000 per cell; a cell without counts stays zero."""
    return torch.log1p(counts * (TARGET_SUM / counts.sum(1, keepdim=True).clamp_min(1)))
