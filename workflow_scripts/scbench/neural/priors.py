"""Priors of the latent space and the divergence of the posterior from them.

Every prior is a module: `kl(mean, log_variance, z, batch)` returns the divergence of N(mean, exp(log_variance)) from
the prior per cell, and `sample(n, batch)` draws from the prior. The divergence is (n_cells, n_dims), one value per
latent dimension, if there is a closed form; for mixtures it is (n_cells, 1), estimated at the posterior sample `z`.
"""

import math
from collections.abc import Callable

import torch
from torch import nn


def divergence(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Return KL(N(mean, exp(log_variance)) || N(0, I)) in nats per element; the sum over dimensions is per cell."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


class StandardNormal(nn.Module):
    """N(0, I), shared by all batches, which makes them mix."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def kl(self, mean, log_variance, z, batch):
        return divergence(mean, log_variance)

    def sample(self, n: int, batch: torch.Tensor | None = None) -> torch.Tensor:
        return torch.randn(n, self.latent_dim)


class GaussianMixture(nn.Module):
    """A learned mixture of diagonal Gaussians, shared by all batches, which allows clusters that N(0, I) would merge.

    The means of the components start at draws from N(0, I). Source: Dilokthanakul et al. 2016, arXiv 1611.02648;
    Grønbech et al. 2020, doi 10.1093/bioinformatics/btaa293.
    """

    def __init__(self, latent_dim: int, n_components: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.randn(n_components, latent_dim))
        self.log_variance = nn.Parameter(torch.zeros(n_components, latent_dim))
        self.logits = nn.Parameter(torch.zeros(n_components))

    def kl(self, mean, log_variance, z, batch):
        log_q = _log_normal(z, mean, log_variance)
        return (log_q - self.log_density(z))[:, None]

    def log_density(self, z: torch.Tensor) -> torch.Tensor:
        return torch.logsumexp(self.log_joint(z), dim=1)

    def log_joint(self, z: torch.Tensor) -> torch.Tensor:
        """Return the log of weight times density for every component, (n_cells, n_components)."""
        log_variance = self.log_variance.clamp(-4, 4)
        precision = torch.exp(-log_variance)
        # sum_d (z - m)^2 / v as three matrix products avoids a (cells, components, dims) tensor
        square = z.square() @ precision.T - 2 * z @ (self.mean * precision).T + (self.mean.square() * precision).sum(1)
        constant = log_variance.sum(1) + z.shape[1] * math.log(2 * math.pi)
        return torch.log_softmax(self.logits, 0) - 0.5 * (square + constant)

    def sample(self, n: int, batch: torch.Tensor | None = None) -> torch.Tensor:
        chosen = torch.multinomial(self.logits.softmax(0), n, replacement=True)
        scale = torch.exp(0.5 * self.log_variance[chosen].clamp(-4, 4))
        return self.mean[chosen] + scale * torch.randn_like(scale)


class VampPrior(nn.Module):
    """A mixture of the posteriors of learned pseudo-inputs, each a profile of log-normalised expression.

    Source: Tomczak and Welling 2018, arXiv 1705.07120.
    """

    # set by the model: profiles -> (mean, log variance)
    encode: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

    def __init__(self, profiles: torch.Tensor) -> None:
        super().__init__()
        self.profiles = nn.Parameter(profiles)
        self.logits = nn.Parameter(torch.zeros(len(profiles)))

    def _mixture(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.encode(nn.functional.relu(self.profiles))

    def kl(self, mean, log_variance, z, batch):
        m, v = self._mixture()
        components = _log_normal(z[:, None, :], m, v) + torch.log_softmax(self.logits, 0)
        return (_log_normal(z, mean, log_variance) - torch.logsumexp(components, 1))[:, None]

    def sample(self, n: int, batch: torch.Tensor | None = None) -> torch.Tensor:
        chosen = torch.multinomial(self.logits.softmax(0), n, replacement=True)
        m, v = self._mixture()
        return m[chosen] + torch.exp(0.5 * v[chosen]) * torch.randn_like(m[chosen])


class ConditionalNormal(nn.Module):
    """N(m_s, v_s) with a learned mean and variance per batch s.

    With this prior a batch can be anywhere in the latent space without a penalty, so nothing makes the batches mix. The
    term `pull` times KL(N(m_s, v_s) || N(0, I)), a mean over the cells, restores part of that penalty.
    """

    def __init__(self, latent_dim: int, n_batches: int, pull: float) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(n_batches, latent_dim))
        self.log_variance = nn.Parameter(torch.zeros(n_batches, latent_dim))
        self.pull = pull

    def kl(self, mean, log_variance, z, batch):
        m, v = self.mean[batch], self.log_variance[batch].clamp(-4, 4)
        own = 0.5 * (v - log_variance + (log_variance.exp() + (mean - m).square()) * torch.exp(-v) - 1)
        return own + self.pull * divergence(m, v)

    def sample(self, n: int, batch: torch.Tensor) -> torch.Tensor:
        scale = torch.exp(0.5 * self.log_variance[batch].clamp(-4, 4))
        return self.mean[batch] + scale * torch.randn_like(scale)


Prior = StandardNormal | GaussianMixture | VampPrior | ConditionalNormal


def _log_normal(z: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    square = (z - mean).square() * torch.exp(-log_variance)
    return -0.5 * (log_variance + square + math.log(2 * math.pi)).sum(-1)
