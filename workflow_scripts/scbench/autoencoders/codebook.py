"""A learned codebook: every group of latent dimensions is replaced by its nearest code.

Source: van den Oord et al. 2017, arXiv 1711.00937, with the moving-average update of the codes from appendix A.1;
several groups: Jegou et al. 2011, doi 10.1109/TPAMI.2010.57.
"""

import torch
from torch import nn

from scbench.neural.discrepancy import squared_distances

DECAY = 0.99
DEAD = 0.1  # a code with fewer cells per step, on average, is reset to a random cell


class Codebook(nn.Module):
    """`n_groups` codebooks of `n_codes` codes each, for equal parts of the latent dimensions."""

    codes: torch.Tensor
    size: torch.Tensor
    total: torch.Tensor

    def __init__(self, latent_dim: int, n_codes: int, n_groups: int) -> None:
        super().__init__()
        if latent_dim % n_groups:
            raise ValueError(f"n_groups: {latent_dim} latent dimensions do not fall into {n_groups} equal groups")
        self.register_buffer("codes", torch.randn(n_groups, n_codes, latent_dim // n_groups))
        self.register_buffer("size", torch.zeros(n_groups, n_codes))
        self.register_buffer("total", torch.zeros_like(self.codes))

    def nearest(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the nearest codes (n, latent_dim), without a gradient, and their indices (n_groups, n)."""
        parts = self._parts(z.detach())
        chosen = squared_distances(parts, self.codes).argmin(2)
        codes = torch.stack([book[number] for book, number in zip(self.codes, chosen, strict=True)])
        return codes.transpose(0, 1).flatten(1), chosen

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return the nearest codes with the gradient of z; in training, also move the codes towards their cells."""
        codes, chosen = self.nearest(z)
        if self.training:
            self._follow(self._parts(z.detach()), chosen)
        return z + (codes - z).detach()

    def _parts(self, z: torch.Tensor) -> torch.Tensor:
        return z.view(len(z), len(self.codes), -1).transpose(0, 1)

    @torch.no_grad()
    def _follow(self, parts: torch.Tensor, chosen: torch.Tensor) -> None:
        member = nn.functional.one_hot(chosen, self.codes.shape[1]).to(parts.dtype)  # (n_groups, n, n_codes)
        self.size.lerp_(member.sum(1), 1 - DECAY)
        self.total.lerp_(member.transpose(1, 2) @ parts, 1 - DECAY)
        random = torch.stack([part[torch.randint(len(part), (self.size.shape[1],))] for part in parts])
        dead = (self.size < DEAD)[:, :, None]
        self.codes.copy_(torch.where(dead, random, self.total / self.size[:, :, None].clamp_min(1e-8)))
        self.total.copy_(torch.where(dead, random, self.total))
        self.size.copy_(torch.where(dead[:, :, 0], torch.ones_like(self.size), self.size))
