"""Likelihoods of the decoders: negative log-likelihoods in nats, with gradients.

The functions of dense tensors are elementwise, broadcast, and take the mean, not its logarithm. They support counts up
to 1e6 and means down to 1e-8: they compute in double precision, because differences of log-gamma functions of large
counts cancel, and return the precision of the mean. Training uses `negative_binomial_of_rows`, which evaluates the
expensive functions for non-zero counts only.
"""

import math

import torch

from scbench.neural.cells import SparseRows

MIN_MEAN = 1e-8
MAX_THETA = 1e4
MIN_THETA = 1e-4


def dispersion(free: torch.Tensor) -> torch.Tensor:
    """Map unconstrained parameters to theta: softplus, clipped to [1e-4, 1e4]."""
    return (torch.nn.functional.softplus(free) + MIN_THETA).clamp(max=MAX_THETA)


def negative_binomial_nll(counts: torch.Tensor, mean: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """Return the negative log-likelihood of a negative binomial with variance = mean + mean^2 / theta.

    log NB = lgamma(x + theta) - lgamma(theta) - lgamma(x + 1) + theta log(theta / (theta + mean))
    + x log(mean / (theta + mean)). Source: Lopez et al. 2018, doi 10.1038/s41592-018-0229-2.
    """
    x, mu, theta64 = counts.double(), mean.double().clamp_min(MIN_MEAN), theta.double()
    ways = torch.lgamma(x + theta64) - torch.lgamma(theta64) - torch.lgamma(x + 1)
    log_share = -torch.log1p(theta64 / mu)  # log(mean / (theta + mean))
    return -(ways - theta64 * torch.log1p(mu / theta64) + x * log_share).to(mean.dtype)


def zero_inflated_nll(
    counts: torch.Tensor, mean: torch.Tensor, theta: torch.Tensor, logits: torch.Tensor
) -> torch.Tensor:
    """Return the negative log-likelihood of a negative binomial with extra zeros of probability sigmoid(logits).

    Source: Lopez et al. 2018, doi 10.1038/s41592-018-0229-2.
    """
    nll = negative_binomial_nll(counts, mean, theta)
    extra, ordinary = torch.nn.functional.logsigmoid(logits), torch.nn.functional.logsigmoid(-logits)
    return torch.where(counts == 0, -torch.logaddexp(extra, ordinary - nll), nll - ordinary)


def poisson_nll(counts: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Return the negative log-likelihood of a Poisson: mean - x log(mean) + lgamma(x + 1)."""
    x, mu = counts.double(), mean.double().clamp_min(MIN_MEAN)
    return (mu - torch.xlogy(x, mu) + torch.lgamma(x + 1)).to(mean.dtype)


def gaussian_nll(values: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Return the negative log-likelihood of a Gaussian, including the constant."""
    return 0.5 * (log_variance + (values - mean).square() * torch.exp(-log_variance) + math.log(2 * math.pi))


def negative_binomial_of_rows(
    counts: SparseRows, mean: torch.Tensor, theta: torch.Tensor, kind: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the sum of `negative_binomial_nll` over the genes of each cell, (n_cells,), with an analytic gradient.

    Parameters
    ----------
    mean
        (n_cells, n_genes), non-negative.
    theta
        (n_kinds, n_genes), positive.
    kind
        (n_cells,) the row of `theta` for each cell; None: there is only one row.

    Notes
    -----
    For x = 0 the value reduces to theta log(1 + mean / theta), so lgamma and digamma are needed for other counts only.
    """
    return _NegativeBinomialOfRows.apply(mean, theta, counts, kind)


class _NegativeBinomialOfRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, mean, theta, counts, kind):
        ratio = (mean * _of_cells(1 / theta, kind)).add_(1)  # (theta + mean) / theta
        log_ratio = torch.log(ratio)  # torch.log1p is not vectorised
        nll = log_ratio @ theta.T
        nll = nll.squeeze(1) if kind is None else nll.gather(1, kind[:, None]).squeeze(1)

        at = counts.column if kind is None else kind.index_select(0, counts.row) * counts.shape[1] + counts.column
        x, th = counts.values, theta.view(-1).index_select(0, at)
        mu = mean.view(-1).index_select(0, counts.flat).clamp_min(MIN_MEAN)
        ways = _log_gamma_difference(x, th) - torch.lgamma(theta).view(-1).index_select(0, at)
        nll = nll.index_add(0, counts.row, x * torch.log1p(th / mu) - ways)
        ctx.save_for_backward(theta, ratio, log_ratio, mu, th, at, kind)
        ctx.counts = counts
        return nll

    @staticmethod
    def backward(ctx, gradient):
        theta, ratio, log_ratio, mu, th, at, kind = ctx.saved_tensors
        counts, x = ctx.counts, ctx.counts.values
        zero_share = ratio.reciprocal()  # theta / (theta + mean): the gradient of a zero count with respect to the mean
        to_theta = None
        if ctx.needs_input_grad[1]:
            weight = gradient[None, :] if kind is None else _members(kind, len(theta), gradient)
            to_theta = weight @ log_ratio + weight @ zero_share - weight.sum(1, keepdim=True)
            entries = torch.digamma(theta).view(-1).index_select(0, at) - _digamma(x + th) + x / (th + mu)
            to_theta.view(-1).index_add_(0, at, entries * gradient.index_select(0, counts.row))
        to_mean = zero_share
        to_mean.view(-1).index_add_(0, counts.flat, -x * (th / mu) / (th + mu))
        return to_mean.mul_(gradient[:, None]), to_theta, None, None


def _log_gamma_difference(x: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """Return lgamma(x + theta) - lgamma(x + 1) for x >= 1, without cancellation for large x.

    Uses Stirling's series at arguments increased by 2; the first omitted term is below 3e-7.
    """
    a, b, d = x + theta + 2, x + 3, theta - 1
    raised = (x + 1) * (x + 2) / ((a - 2) * (a - 1))
    return (b - 0.5) * torch.log1p(d / b) + d * (torch.log(a) - 1) + _remainder(a) - _remainder(b) + torch.log(raised)


def _remainder(a: torch.Tensor) -> torch.Tensor:
    inverse = 1 / a
    square = inverse * inverse
    return inverse * (1 / 12 - square * (1 / 360 - square / 1260))


def _digamma(a: torch.Tensor) -> torch.Tensor:
    """Return digamma(a) for a >= 1 from its asymptotic series at the argument increased by 2; error below 7e-7."""
    inverse = 1 / (a + 2)
    square = inverse * inverse
    series = torch.log(a + 2) - 0.5 * inverse - square * (1 / 12 - square * (1 / 120 - square / 252))
    return series - 1 / a - 1 / (a + 1)


def _of_cells(table: torch.Tensor, kind: torch.Tensor | None) -> torch.Tensor:
    return table if kind is None else table.index_select(0, kind)


def _members(kind: torch.Tensor, n_kinds: int, weight: torch.Tensor) -> torch.Tensor:
    """Return (n_kinds, n_cells) with the weight of each cell in the row of its kind."""
    return torch.nn.functional.one_hot(kind, n_kinds).T.to(weight.dtype) * weight
