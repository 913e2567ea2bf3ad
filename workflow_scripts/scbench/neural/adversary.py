"""Adversaries: networks that predict something from the latent, while the encoder learns to prevent it.

One loss trains both through a reversed gradient (Ganin et al. 2016, JMLR 17, 1). Because Adam is invariant to the scale
of a gradient, the weight of the term affects the encoder but not how fast the adversary learns.
"""

import torch
from torch import nn

WIDTH = 64


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        return z.view_as(z)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


def reverse_gradient(z: torch.Tensor) -> torch.Tensor:
    """Return z unchanged in the forward pass; reverse the sign of the gradient in the backward pass."""
    return _Reversed.apply(z)


def _discriminator(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, n_out)
    )


class BatchAdversary(nn.Module):
    """Predict the batch from z_bio, among the batches that are present in the cluster of the cell.

    The input is z scaled to unit variance, so that shrinking z does not deceive the adversary, and the cluster, so that
    it gains nothing from cell types.
    """

    def __init__(self, latent_dim: int, n_batches: int, n_clusters: int) -> None:
        super().__init__()
        self.network = _discriminator(latent_dim + n_clusters, n_batches)

    def forward(self, z, batch, cluster, groups) -> torch.Tensor:
        """Return the cross-entropy with the batch (n,) in nats, mean over the cells of clusters with several batches.

        `groups` (n_clusters, n_batches) holds numbers of cells; within a cluster, every batch has the same weight.
        """
        member = nn.functional.one_hot(cluster, len(groups)).to(z.dtype)
        scale = (z - z.mean(0)).square().mean().sqrt().clamp_min(1e-6)
        logits = self.network(torch.cat([reverse_gradient(z / scale), member], dim=1))
        present = groups > 0
        logits = logits.masked_fill(~present[cluster], -1e9)
        n_present = present.sum(1)
        weight = groups.sum(1, keepdim=True) / (n_present[:, None] * groups.clamp_min(1)) * (n_present > 1)[:, None]
        weight = weight[cluster, batch]
        loss = weight * nn.functional.cross_entropy(logits, batch, reduction="none")
        return loss.sum() / weight.sum().clamp_min(1)


class PriorAdversary(nn.Module):
    """Distinguish z from draws of N(0, I), so that the encoder learns to match the prior.

    Source: Makhzani et al. 2016, arXiv 1511.05644.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.network = _discriminator(latent_dim, 1)

    def forward(self, z) -> torch.Tensor:
        """Return the binary cross-entropy in nats, mean over the cells and as many draws."""
        logits = self.network(torch.cat([reverse_gradient(z), torch.randn_like(z)]))[:, 0]
        drawn = torch.cat([torch.zeros_like(z[:, 0]), torch.ones_like(z[:, 0])])
        return nn.functional.binary_cross_entropy_with_logits(logits, drawn)
