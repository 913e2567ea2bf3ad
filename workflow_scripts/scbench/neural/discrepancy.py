"""Losses on a latent: maximum mean discrepancy between samples, flatness of clusters, and cycle distance.

Source: Gretton et al. 2012, JMLR 13, 723 (unbiased estimate, which may be slightly negative).
"""

import torch

from scbench.neural.networks import one_hot

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # in units of the median squared distance
MIN_CELLS = 2  # per batch and cluster, as a single cell has no pairwise distance


def squared_distances(X: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    """Return squared distances (..., n_x, n_y) of (..., n_x, n_dims) and (..., n_y, n_dims), without cancellation."""
    return (X[..., :, None, :] - Y[..., None, :, :]).square().sum(-1)


def kernel(square: torch.Tensor, scale: torch.Tensor | float) -> torch.Tensor:
    """Return the mean over bandwidths of exp(-square / (2 bandwidth scale)) for squared distances (n_x, n_y)."""
    square = square / (2 * scale)
    return torch.stack([torch.exp(-square / width) for width in BANDWIDTHS]).mean(0)


def distance_from_normal(z: torch.Tensor) -> torch.Tensor:
    """Return the squared discrepancy, at most 2, between z (n, n_dims) and as many draws from N(0, I).

    The scale is the expected squared distance between two draws, 2 n_dims. Source: Zhao et al. 2019 (InfoVAE), arXiv
    1706.02262.
    """
    drawn = torch.randn_like(z)
    scale, n = 2.0 * z.shape[1], len(z)
    of_z, of_drawn = (kernel(squared_distances(X, X), scale) for X in (z, drawn))
    within = (of_z.sum() - of_z.diagonal().sum() + of_drawn.sum() - of_drawn.diagonal().sum()) / (n * (n - 1))
    return within - 2 * kernel(squared_distances(z, drawn), scale).mean()


def distance_within_clusters(
    z: torch.Tensor,
    batch: torch.Tensor,
    cluster: torch.Tensor,
    n_batches: int,
    n_clusters: int,
    *,
    scale_of_clusters: bool = False,
) -> torch.Tensor:
    """Return the squared discrepancy, at most 2, between a batch and the other batches of its cluster.

    The result is the mean over batches and clusters. A batch is left out if it is alone in its cluster, or if it or the
    other batches have fewer than 2 cells there; the result is 0 if all are left out. The scale is the median squared
    distance between two cells or, with `scale_of_clusters`, between two cells of the same cluster.
    """
    in_cluster = one_hot(cluster, n_clusters).to(z.dtype)
    weight = _weights_of_pairs(in_cluster, one_hot(batch, n_batches).to(z.dtype))
    # pairs of different clusters have weight 0, so each cluster can have its own origin
    centre = in_cluster @ _means(z.detach(), in_cluster)
    square = _fast_squared_distances(z - centre)
    if scale_of_clusters:
        same = (cluster[:, None] == cluster[None]).fill_diagonal_(False)
        compared = square.detach().masked_fill(~same, torch.nan)
    else:
        compared = _fast_squared_distances(z.detach() - z.detach().mean(0))
    scale = compared.nanmedian().nan_to_num().clamp_min(1e-8)
    return (weight * kernel(square, scale)).sum()


def flatness(z: torch.Tensor, cluster: torch.Tensor, n_clusters: int) -> torch.Tensor:
    """Return how far the covariance of cells (n, n_dims) around their cluster means is from that of a ball.

    With the eigenvalues v of the covariance, it is n_dims sum(v^2) / sum(v)^2 - 1: 0 for a ball, n_dims - 1 for a line.
    This equals n_dims divided by the participation ratio, minus 1.
    """
    member = one_hot(cluster, n_clusters).to(z.dtype)
    residual = z - member @ _means(z, member)
    covariance = residual.T @ residual / len(residual)
    total = covariance.diagonal().sum().square().clamp_min(1e-20)
    return len(covariance) * covariance.square().sum() / total - 1


def cycle_distance(again: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """Return the mean squared distance between the latent `place` (n, n_dims) and the latent after the cycle, `again`.

    The distance is in units of the variance of each latent dimension. Sources: Guo et al. 2022, doi
    10.1093/nar/gkab978; Hrovatin et al. 2023, doi 10.1101/2023.11.03.565463.
    """
    return ((again - place).square() / place.var(0).detach().clamp_min(1e-3)).mean()


def _means(z: torch.Tensor, member: torch.Tensor) -> torch.Tensor:
    """Return the cluster means (n_clusters, n_dims) of z (n, n_dims); the mean of an empty cluster is 0."""
    return (member.T @ z) / member.sum(0)[:, None].clamp_min(1)


def _fast_squared_distances(z: torch.Tensor) -> torch.Tensor:
    """Return the squared distances (n, n) between the rows of z. Dot products make it fast, but precise only near 0."""
    square = z.square().sum(1)
    return (square[:, None] + square[None] - 2 * (z @ z.T)).clamp_min(0)


@torch.no_grad()
def _weights_of_pairs(in_cluster: torch.Tensor, in_batch: torch.Tensor) -> torch.Tensor:
    """Return the weight of every pair of cells, (n, n); the discrepancy is the weighted sum of the kernel.

    Parameters
    ----------
    in_cluster, in_batch
        (n, n_clusters) and (n, n_batches): 1 where the cell is a member, 0 otherwise.
    """
    one = (in_cluster[:, :, None] * in_batch[:, None, :]).flatten(1)  # (n, n_clusters * n_batches)
    rest = in_cluster.repeat_interleave(in_batch.shape[1], dim=1) - one
    m, n = one.sum(0), rest.sum(0)
    use = ((m >= MIN_CELLS) & (n >= MIN_CELLS)).to(one.dtype)
    m, n = m.clamp_min(2), n.clamp_min(2)
    within = one @ (one * (use / (m * (m - 1)))).T + rest @ (rest * (use / (n * (n - 1)))).T
    between = rest @ (one * (2 * use / (m * n))).T
    return (within - between).fill_diagonal_(0) / use.sum().clamp_min(1)
