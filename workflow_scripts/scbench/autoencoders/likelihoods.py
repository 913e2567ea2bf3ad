"""Likelihoods of counts."""

import torch


def negative_binomial_nll(counts: torch.Tensor, mean: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """Negative log likelihood of the negative binomial, in nats, elementwise.

    Parameters
    ----------
    counts, mean
        (n_cells, n_genes); counts whole and not negative, means positive.
    theta
        Dispersion, positive, broadcast to the counts: variance = mean + mean^2 / theta.

    Notes
    -----
    log NB = lgamma(x + theta) - lgamma(theta) - lgamma(x + 1) + theta log(theta / (theta + mean))
    + x log(mean / (theta + mean)). Source: Lopez et al. 2018, doi 10.1038/s41592-018-0229-2.
    """
    log_total = torch.log(theta + mean)
    ways = torch.lgamma(counts + theta) - torch.lgamma(theta) - torch.lgamma(counts + 1)
    return -(ways + theta * (torch.log(theta) - log_total) + counts * (torch.log(mean) - log_total))
