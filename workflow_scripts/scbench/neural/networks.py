"""Networks: a perceptron with an optional condition, an encoder to a Gaussian, and a decoder to mean counts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import nn

FIRST_LOG_VARIANCE = -4.0


def mixed_precision_linear(linear: nn.Module, h: torch.Tensor) -> torch.Tensor:
    """Apply `linear`, in bfloat16 on a GPU; norms, likelihoods and divergences stay in single precision."""
    if not h.is_cuda:
        return linear(h)
    with torch.autocast(h.device.type, torch.bfloat16):
        return linear(h).float()


def one_hot(code: torch.Tensor, n_codes: int) -> torch.Tensor:
    """Return float32 indicators (n, n_codes) of codes (n,); unlike that of torch, it does not wait for the device."""
    return (code[:, None] == torch.arange(n_codes, device=code.device)).float()


@contextmanager
def in_evaluation_mode(*modules: nn.Module) -> Iterator[None]:
    """Run parts of a model in evaluation mode, with gradients, and restore their mode.

    Batch normalisation then uses its running statistics and does not update them: inputs that are not cells, such as
    pseudo-inputs and decoded cells, must not contribute to the statistics with which cells are embedded.
    """
    before = [(part, part.training) for module in modules for part in module.modules()]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


class DomainNorm(nn.Module):
    """Batch normalisation with separate statistics, scale and shift for every batch of cells.

    Source: Chang et al. 2019, arXiv 1906.03950; in single-cell data Xiong et al. 2022, doi 10.1038/s41467-022-33758-z.
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, width: int, n_batches: int, momentum: float = 0.1, eps: float = 1e-3) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.scale = nn.Parameter(torch.ones(n_batches, width))
        self.shift = nn.Parameter(torch.zeros(n_batches, width))
        self.register_buffer("mean", torch.zeros(n_batches, width))
        self.register_buffer("variance", torch.ones(n_batches, width))

    def forward(self, h: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        mean, variance = self.mean, self.variance
        if self.training:
            member = one_hot(batch, len(self.scale))
            size = member.sum(0)[:, None]
            mean = member.T @ h / size.clamp_min(1)
            variance = member.T @ (h - mean[batch]).square() / size.clamp_min(1)
            seen = (size > 1).to(h.dtype)  # a batch with one cell in the minibatch has no variance
            mean = seen * mean + (1 - seen) * self.mean
            variance = seen * variance + (1 - seen) * self.variance
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.variance.lerp_(variance, self.momentum)
        normal = (h - mean[batch]) * torch.rsqrt(variance[batch] + self.eps)
        return normal * self.scale[batch] + self.shift[batch]


ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu": nn.functional.gelu,
    "relu": nn.functional.relu,
}


class Perceptron(nn.Module):
    """Linear, norm, activation and dropout between consecutive `widths`; every layer also receives the condition.

    Parameters
    ----------
    condition_dim
        Width of the condition; 0: none.
    norm
        layer | batch | domain | none; `domain` requires the number of batches.
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        norm: str = "layer",
        activation: str = "gelu",
        dropout: float = 0.0,
        condition_dim: int = 0,
        n_batches: int = 1,
    ) -> None:
        super().__init__()
        norms: dict[str, Callable[[int], nn.Module]] = {
            "layer": nn.LayerNorm,
            "batch": lambda width: nn.BatchNorm1d(width, eps=1e-3, momentum=0.01),
            "domain": lambda width: DomainNorm(width, n_batches),
            "none": lambda width: nn.Identity(),
        }
        self.linear = nn.ModuleList([nn.Linear(n_in + condition_dim, n_out) for n_in, n_out in pairwise(widths)])
        self.norm = nn.ModuleList([norms[norm](n_out) for n_out in widths[1:]])
        self.activation = ACTIVATIONS[activation]
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: torch.Tensor, condition: torch.Tensor | None, batch: torch.Tensor) -> torch.Tensor:
        for linear, norm in zip(self.linear, self.norm, strict=True):
            h = mixed_precision_linear(linear, h if condition is None else torch.cat([h, condition], dim=1))
            h = norm(h, batch) if isinstance(norm, DomainNorm) else norm(h)
            h = self.dropout(self.activation(h))
        return h


class GaussianEncoder(nn.Module):
    """Map log-normalised expression (n, n_genes) to the mean and log variance of a Gaussian, each (n, latent_dim)."""

    def __init__(self, n_genes: int, hidden: Sequence[int], latent_dim: int, **options) -> None:
        super().__init__()
        self.trunk = Perceptron([n_genes, *hidden], **options)
        self.to_mean = nn.Linear(hidden[-1], latent_dim)
        self.to_log_variance = nn.Linear(hidden[-1], latent_dim)
        # start with little noise: a decoder that first sees noise learns to ignore the latent and never recovers
        nn.init.constant_(self.to_log_variance.bias, FIRST_LOG_VARIANCE)

    def forward(self, expression, condition, batch) -> tuple[torch.Tensor, torch.Tensor]:
        h = self.trunk(expression, condition, batch)
        return self.to_mean(h), self.to_log_variance(h).clamp(-10, 10)


class MeanDecoder(nn.Module):
    """Map a latent (n, latent_dim) to the mean counts (n, n_genes).

    Parameters
    ----------
    size_factor
        multiply: shares of the genes (softmax) times the library size of the cell; concat: exp of the output, with the
        log library size as an additional input; none: the output itself, for log-normalised expression.
    """

    def __init__(
        self, latent_dim: int, hidden: Sequence[int], n_genes: int, *, size_factor: str, condition_dim: int, **options
    ) -> None:
        super().__init__()
        self.size_factor = size_factor
        n_in = latent_dim + (size_factor == "concat")
        self.trunk = Perceptron([n_in, *hidden], condition_dim=condition_dim, **options)
        self.to_genes = nn.Linear(hidden[-1] + condition_dim, n_genes)
        with torch.no_grad():
            self.to_genes.weight[:, hidden[-1] :] = 0

    def forward(self, z, library, condition, batch) -> torch.Tensor:
        if self.size_factor == "concat":
            z = torch.cat([z, torch.log1p(library)], dim=1)
        h = self.trunk(z, condition, batch)
        logits = mixed_precision_linear(self.to_genes, h if condition is None else torch.cat([h, condition], dim=1))
        if self.size_factor == "concat":
            return torch.exp(logits.clamp(max=15))
        if self.size_factor == "none":
            return logits
        return torch.softmax(logits, dim=1) * library
