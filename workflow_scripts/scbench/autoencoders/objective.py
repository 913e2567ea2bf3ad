"""The objective of the autoencoders: named terms, each with a weight and a schedule, of one pass through the model.

All weights refer to a reconstruction that is, for counts (nb), a negative log likelihood summed over genes and, for
log-normalised expression (mse), a squared error averaged over genes; both are means over cells. What each term is a sum
or a mean of stands in its docstring. docs/disentanglement.md says what they are for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from scbench.neural.cells import SparseRows
from scbench.neural.discrepancy import cycle_distance, distance_from_normal, distance_within_clusters
from scbench.neural.priors import divergence

if TYPE_CHECKING:
    from scbench.autoencoders.autoencoder import Autoencoder


@dataclass(frozen=True)
class Pass:
    """A minibatch on its way through the model: what the terms are functions of.

    Attributes
    ----------
    counts, batch, cluster
        The cells; `cluster` (n,) are clusters that batches share.
    mean, log_variance
        (n, latent_dim) of z_bio; no log variance where the encoder is deterministic.
    z
        (n, latent_dim) what the decoder was given: the mean, a sample or the nearest code.
    code, code_log_variance
        (n, n_batches) z_batch, where the model has one.
    condition
        (n, width) what the decoder was told of the batch, or None.
    """

    counts: SparseRows
    batch: torch.Tensor
    cluster: torch.Tensor
    mean: torch.Tensor
    log_variance: torch.Tensor | None
    z: torch.Tensor
    code: torch.Tensor | None
    code_log_variance: torch.Tensor | None
    condition: torch.Tensor | None


def kl(mean: torch.Tensor | None, log_variance: torch.Tensor | None) -> torch.Tensor:
    """Divergence of a Gaussian part of the latent from N(0, I) in nats, summed over dimensions, mean over cells."""
    assert mean is not None
    assert log_variance is not None
    return divergence(mean, log_variance).sum(1).mean()


def batch_code(model: Autoencoder, p: Pass) -> torch.Tensor:
    """`batch_cross_entropy` of z_batch."""
    assert p.code is not None
    return batch_cross_entropy(p.code, p.batch, model.groups.sum(0))


def batch_cross_entropy(logits: torch.Tensor, batch: torch.Tensor, n_cells: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of z_batch as logits to the batch, in nats; every batch of `n_cells` (n_batches,) counts alike.

    The weights of the cells are inverse to the size of their batch, 1 on average over all cells.
    """
    weight = (n_cells.sum() / (len(n_cells) * n_cells))[batch]
    return (weight * nn.functional.cross_entropy(logits, batch, reduction="none")).mean()


def cycle(model: Autoencoder, p: Pass) -> torch.Tensor:
    """`cycle_distance` to where a cell decoded under the batch of another cell is encoded; its own place is fixed."""
    other = torch.randperm(len(p.batch), device=p.batch.device)
    moved = model.decoded_expression(p.z, None if p.condition is None else p.condition[other], p.counts.totals)
    return cycle_distance(model.encode(moved)[0], p.mean.detach())


def sparsity(z: torch.Tensor) -> torch.Tensor:
    """Mean absolute latent in units of the cell's root mean square: 1 where all dimensions are used alike.

    The unit is needed, since a decoder can undo any shrinking of z. Source: Hoyer 2004, JMLR 5, 1457.
    """
    return (z.abs().mean(1) / z.square().mean(1).add(1e-8).sqrt()).mean()


def commitment(model: Autoencoder, p: Pass) -> torch.Tensor:
    """Squared distance of z_bio from its nearest codes, summed over dimensions, mean over cells."""
    assert model.codebook is not None
    return (p.mean - model.codebook.nearest(p.mean)[0]).square().sum(1).mean()


LOSSES: dict[
    str, Callable[[Autoencoder, Pass], torch.Tensor]
] = {  # one for each of `scbench.autoencoders.parameters.TERMS`
    "reconstruction": lambda model, p: model.reconstruction_loss(p),
    "kl": lambda model, p: kl(p.mean, p.log_variance),
    "batch_code": batch_code,
    "batch_code_kl": lambda model, p: kl(p.code, p.code_log_variance),
    "adversary": lambda model, p: model.adversary(p.z, p.batch, p.cluster, model.groups),
    "mmd": lambda model, p: distance_within_clusters(p.mean, p.batch, p.cluster, *model.groups.shape[::-1]),
    "cycle": cycle,
    "sparsity": lambda model, p: sparsity(p.mean),
    "prior_mmd": lambda model, p: distance_from_normal(p.z),
    "prior_adversary": lambda model, p: model.prior_adversary(p.z),
    "commitment": commitment,
}
