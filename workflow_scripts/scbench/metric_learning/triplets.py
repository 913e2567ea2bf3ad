"""Mining of triplets (anchor, positive of the same cluster, negative of another cluster) in a minibatch.

Source: Schroff et al. 2015, doi 10.1109/CVPR.2015.7298682; Yu et al. 2023, doi 10.1038/s41467-023-36635-5.
"""

from collections.abc import Callable

import numpy as np
import torch

from scbench.neural.discrepancy import squared_distances

CLUSTERS_IN_MINIBATCH = 8
CELLS_OF_BATCH = 2  # drawn together, so that a minibatch has several cells per batch even with many batches


def distances(embedding: torch.Tensor) -> torch.Tensor:
    """Return the Euclidean distances (n, n) between the rows of (n, n_dims); the gradient at distance 0 is 0."""
    square = squared_distances(embedding, embedding)
    apart = square > 0
    return torch.where(apart, square, 1.0).sqrt() * apart


def mine(distance: torch.Tensor, cluster: torch.Tensor, mining: str, margin: float) -> torch.Tensor:
    """Select triplets of a minibatch by the gap d(anchor, negative) - d(anchor, positive).

    Parameters
    ----------
    distance
        (n, n).
    cluster
        (n,) codes.
    mining
        hard: gap <= 0. semihard: 0 < gap < margin, or hard if the minibatch has no such triplet. random: one random
        negative per anchor and positive, kept if gap < margin.

    Returns
    -------
    (n, n, n) bool, indexed by anchor, positive and negative.
    """
    same = cluster[:, None] == cluster[None]
    positive = same & ~torch.eye(len(cluster), dtype=torch.bool, device=same.device)
    valid = positive[:, :, None] & ~same[:, None, :]
    gap = distance[:, None, :] - distance[:, :, None]
    if mining == "hard":
        return valid & (gap <= 0)
    violating = gap < margin
    if mining == "random":
        chance = torch.rand_like(gap).masked_fill(~valid, -1.0)
        drawn = torch.zeros_like(valid).scatter_(2, chance.argmax(2, keepdim=True), True)
        return valid & drawn & violating
    hard = valid & (gap <= 0)
    semihard = valid & violating & ~hard
    return torch.where(semihard.any(), semihard, hard)


def triplet_loss(
    embedding: torch.Tensor, cluster: torch.Tensor, *, mining: str, margin: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Average d(anchor, positive) - d(anchor, negative) + margin over the mined triplets of a minibatch.

    Returns
    -------
    The loss, 0 if no triplet is mined, and the number of mined triplets.

    Notes
    -----
    Every mined triplet has a positive loss, so the mean is linear in the distances. Each distance is weighted by the
    number of triplets in which it leads to a positive minus the number in which it leads to a negative. This avoids a
    gradient with n^3 terms.
    """
    distance = distances(embedding.float())
    with torch.no_grad():
        mined = mine(distance, cluster, mining, margin)
        weight = mined.sum(2).float() - mined.sum(1).float()
        n_mined = mined.sum().float()
    loss = ((distance * weight).sum() + margin * n_mined) / n_mined.clamp_min(1)
    return loss, n_mined


def balanced_minibatches(
    cluster: np.ndarray, batch: np.ndarray, batch_size: int
) -> Callable[[np.random.Generator], list[np.ndarray]]:
    """Return a sampler of minibatches in which clusters, and batches within a cluster, are equally frequent.

    Parameters
    ----------
    cluster, batch
        (n_cells,) codes.
    batch_size
        Number of cells in a minibatch, divided equally (rounded up) among 8 clusters, or all clusters if there are
        fewer. The cells of a cluster are drawn with replacement: first one of its batches, then two cells that are in
        both the cluster and the batch.

    Returns
    -------
    Function from a random generator to the minibatches of an epoch, which together have as many cells as the dataset.
    """
    group, member = np.unique(np.column_stack([cluster, batch]), axis=0, return_inverse=True)
    member = member.ravel()
    cells, n_in_group = np.argsort(member, kind="stable"), np.bincount(member)
    first_cell = np.cumsum(n_in_group) - n_in_group
    codes, first_group, n_groups = np.unique(group[:, 0], return_index=True, return_counts=True)
    chosen = min(CLUSTERS_IN_MINIBATCH, len(codes))
    n_cells = -(-batch_size // chosen)

    def sample(rng: np.random.Generator) -> list[np.ndarray]:
        n_minibatches = max(len(cluster) // (chosen * n_cells), 1)
        picked = rng.random((n_minibatches, len(codes))).argsort(axis=1)[:, :chosen, None]
        shape = (n_minibatches, chosen, n_cells)
        every_other = (*shape[:2], -(-n_cells // CELLS_OF_BATCH))
        groups = first_group[picked] + (rng.random(every_other) * n_groups[picked]).astype(np.int64)
        groups = groups.repeat(CELLS_OF_BATCH, axis=2)[:, :, :n_cells]
        drawn = first_cell[groups] + (rng.random(shape) * n_in_group[groups]).astype(np.int64)
        return list(cells[drawn].reshape(n_minibatches, -1))

    return sample
