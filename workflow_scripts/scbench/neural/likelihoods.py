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


def free_dispersion(theta: torch.Tensor) -> torch.Tensor:
    """Return the unconstrained parameters that `dispersion` maps to theta, which must be within the clipping range."""
    return torch.log(torch.expm1(theta - MIN_THETA))


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
        of_cells = theta if kind is None else theta.index_select(0, kind)
        at = counts.column if kind is None else counts.flat
        ratio = (mean / of_cells).add_(1)  # (theta + mean) / theta
        log_ratio = torch.log(ratio)

        x, th = counts.values, of_cells.view(-1).index_select(0, at)
        mu = mean.view(-1).index_select(0, counts.flat).clamp_min(MIN_MEAN)
        total = th + mu
        shifted = x + th + 2
        log_shifted = torch.log(shifted)
        entries = torch.log(total / mu).mul_(x).sub_(_log_gamma_difference(x, th, shifted, log_shifted))
        log_gamma = torch.lgamma(theta) if kind is None else torch.lgamma(theta).index_select(0, kind)
        entries += log_gamma.view(-1).index_select(0, at)
        nll = torch.addcmul(counts.dense(entries), log_ratio, of_cells).sum(1)
        ctx.save_for_backward(theta, ratio, log_ratio, mu, th, total, shifted, log_shifted, kind)
        ctx.counts = counts
        return nll

    @staticmethod
    def backward(ctx, gradient):
        theta, ratio, log_ratio, mu, th, total, shifted, log_shifted, kind = ctx.saved_tensors
        counts, x = ctx.counts, ctx.counts.values
        zero_share = ratio.reciprocal()  # theta / (theta + mean): the gradient of a zero count with respect to the mean
        to_theta = None
        if ctx.needs_input_grad[1]:
            digamma = torch.digamma(theta) if kind is None else torch.digamma(theta).index_select(0, kind)
            at = counts.column if kind is None else counts.flat
            entries = digamma.view(-1).index_select(0, at).sub_(_digamma(shifted, log_shifted)).add_(x / total)
            weight = gradient[None, :] if kind is None else _members(kind, len(theta), gradient)
            of_values = counts.dense(entries).add_(log_ratio).add_(zero_share).sub_(1)
            to_theta = weight @ of_values
        to_mean = zero_share
        to_mean.view(-1).scatter_add_(0, counts.flat, (x * th).div_(mu).div_(total).neg_())
        return to_mean.mul_(gradient[:, None]), to_theta, None, None


def _log_gamma_difference(x, theta, shifted, log_shifted) -> torch.Tensor:
    """Return lgamma(x + theta) - lgamma(x + 1) for x >= 1, without cancellation for large x.

    Uses Stirling's series at arguments increased by 2, of which the caller gives x + theta + 2 and its logarithm; the
    first omitted term is below 3e-7.
    """
    b, d = x + 3, theta - 1
    raised = ((x + 1) * (x + 2)).div_((shifted - 2).mul_(shifted - 1))
    return (
        torch.log1p(d / b)
        .mul_(b - 0.5)
        .add_(d * (log_shifted - 1))
        .add_(_remainder(shifted))
        .sub_(_remainder(b))
        .add_(torch.log(raised))
    )


def _remainder(a: torch.Tensor) -> torch.Tensor:
    inverse = 1 / a
    square = inverse * inverse
    return inverse * (1 / 12 - square * (1 / 360 - square / 1260))


def _digamma(shifted: torch.Tensor, log_shifted: torch.Tensor) -> torch.Tensor:
    """Return digamma(a) for a >= 1 from its asymptotic series at a + 2, given a + 2 and its logarithm.

    The error is below 7e-7.
    """
    inverse = 1 / shifted
    square = inverse * inverse
    series = log_shifted - 0.5 * inverse - square * (1 / 12 - square * (1 / 120 - square / 252))
    return series - 1 / (shifted - 2) - 1 / (shifted - 1)


def _members(kind: torch.Tensor, n_kinds: int, weight: torch.Tensor) -> torch.Tensor:
    """Return (n_kinds, n_cells) with the weight of each cell in the row of its kind."""
    rows = torch.arange(n_kinds, device=kind.device)[:, None]
    return (rows == kind).to(weight.dtype) * weight
