"""The objective of the autoencoders: named terms of a forward pass, each with a weight and a schedule.

All weights are relative to the reconstruction loss. For counts (nb) it is a negative log-likelihood summed over genes;
for log-normalised expression (mse) it is a squared error averaged over genes; both are means over cells. The docstring
of each term states its reduction. docs/explanation/methods/disentanglement.md explains the purpose of the terms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from scbench.neural.cells import CountRows
from scbench.neural.discrepancy import cycle_distance, distance_from_normal, distance_within_clusters
from scbench.neural.networks import in_evaluation_mode
from scbench.neural.priors import divergence

if TYPE_CHECKING:
    from scbench.autoencoders.autoencoder import Autoencoder


@dataclass(frozen=True)
class Pass:
    """Forward pass of a minibatch: the input of all terms.

    Attributes
    ----------
    counts, batch, cluster
        The cells; `cluster` (n,) are clusters shared by batches.
    mean, log_variance
        (n, latent_dim) of z_bio; the log variance is None if the encoder is deterministic.
    z
        (n, latent_dim) input of the decoder: the mean, a sample or the nearest code.
    code, code_log_variance
        (n, n_batches) z_batch, if the model has one.
    condition
        (n, width) batch condition of the decoder, or None.
    """

    counts: CountRows
    batch: torch.Tensor
    cluster: torch.Tensor
    mean: torch.Tensor
    log_variance: torch.Tensor | None
    z: torch.Tensor
    code: torch.Tensor | None
    code_log_variance: torch.Tensor | None
    condition: torch.Tensor | None


def kl(mean: torch.Tensor | None, log_variance: torch.Tensor | None) -> torch.Tensor:
    """Return the KL divergence of a Gaussian from N(0, I) in nats, summed over dimensions, mean over cells."""
    assert mean is not None
    assert log_variance is not None
    return divergence(mean, log_variance).sum(1).mean()


def batch_code(model: Autoencoder, p: Pass) -> torch.Tensor:
    """Return the `batch_cross_entropy` of z_batch."""
    assert p.code is not None
    return batch_cross_entropy(p.code, p.batch, model.groups.sum(0))


def batch_cross_entropy(logits: torch.Tensor, batch: torch.Tensor, n_cells: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy between z_batch, as logits, and the batch, in nats; batches have equal weight.

    The weight of a cell is inversely proportional to the size of its batch in `n_cells` (n_batches,), and 1 on average
    over all cells.
    """
    weight = (n_cells.sum() / (len(n_cells) * n_cells))[batch]
    return (weight * nn.functional.cross_entropy(logits, batch, reduction="none")).mean()


def cycle(model: Autoencoder, p: Pass) -> torch.Tensor:
    """Return the `cycle_distance` of z_bio after decoding under another batch; the target has no gradient."""
    other = torch.randperm(len(p.batch), device=p.batch.device)
    moved = model.decoded_expression(p.z, None if p.condition is None else p.condition[other], p.counts)
    with in_evaluation_mode(model.trunk):
        again = model.encode(moved)[0]
    return cycle_distance(again, p.mean.detach())


def sparsity(z: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute latent in units of the cell's root mean square: 1 if all dimensions are used equally.

    Without this unit the encoder could shrink z, because the decoder can undo that. Source: Hoyer 2004, JMLR 5, 1457.
    """
    return (z.abs().mean(1) / z.square().mean(1).add(1e-8).sqrt()).mean()


def commitment(model: Autoencoder, p: Pass) -> torch.Tensor:
    """Return the squared distance of z_bio from its nearest codes, summed over dimensions, mean over cells."""
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
