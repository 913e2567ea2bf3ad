"""The networks of scDML: log-normalised cells, scaled per batch, to an embedding that is trained with triplets."""

import torch
from torch import nn

from scbench.metric_learning.scaling import LARGEST, BatchScaling
from scbench.metric_learning.triplets import MINING, triplet_loss
from scbench.neural.cells import SparseRows
from scbench.neural.discrepancy import distance_within_clusters


class TripletNetwork(nn.Module):
    """Scaling with the mean and sd of the cell's batch, then Linear, ReLU, Linear; with `unit`, to rows of length 1."""

    def __init__(
        self, scaling: BatchScaling, *, hidden: int, latent_dim: int, mining: str, margin: float, unit: bool = False
    ) -> None:
        super().__init__()
        if mining not in MINING:
            raise ValueError(f"mining: '{mining}' is not known; choose one of {', '.join(MINING)}")
        self.register_buffer("mean", torch.from_numpy(scaling.mean))
        self.register_buffer("sd", torch.from_numpy(scaling.sd))
        self.layers = nn.Sequential(nn.Linear(scaling.mean.shape[1], hidden), nn.ReLU(), nn.Linear(hidden, latent_dim))
        self.mining, self.margin, self.unit = mining, margin, unit

    def forward(self, x: SparseRows, batch: torch.Tensor, **_) -> torch.Tensor:
        scaled = (x.dense() - self.mean[batch]) / self.sd[batch]
        embedding = self.layers(scaled.clamp(-LARGEST, LARGEST))
        return nn.functional.normalize(embedding) if self.unit else embedding

    def losses(self, x: SparseRows, batch: torch.Tensor, cluster: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the {triplet_loss}, and the mined {triplets} per cell of the minibatch, which are no loss."""
        loss, n_mined = triplet_loss(self(x, batch), cluster, mining=self.mining, margin=self.margin)
        return {"triplet_loss": loss, "triplets": n_mined / len(cluster)}


class MixingNetwork(TripletNetwork):
    """A triplet network that also mixes batches within clusters, and keeps these from being flat.

    Triplets are indifferent to what lies within a cluster once clusters are apart: batches may stay side by side there,
    and a large cluster may become a thin sheet, which whoever clusters the embedding then cuts to pieces.
    """

    def losses(self, x: SparseRows, batch: torch.Tensor, cluster: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the {triplet_loss, mmd, flatness}, and the mined {triplets} per cell of the minibatch."""
        embedding = self(x, batch)
        loss, n_mined = triplet_loss(embedding, cluster, mining=self.mining, margin=self.margin)
        return {
            "triplet_loss": loss,
            "mmd": distance_of_batches(embedding, batch, cluster, n_batches=len(self.mean)),
            "flatness": flatness(embedding, cluster),
            "triplets": n_mined / len(cluster),
        }


def distance_of_batches(
    embedding: torch.Tensor, batch: torch.Tensor, cluster: torch.Tensor, *, n_batches: int
) -> torch.Tensor:
    """Squared discrepancy of batches within clusters, in the scale of a cluster: however far apart clusters are."""
    n_clusters = int(cluster.max()) + 1
    return distance_within_clusters(embedding, batch, cluster, n_batches, n_clusters, scale_of_clusters=True)


def flatness(embedding: torch.Tensor, cluster: torch.Tensor) -> torch.Tensor:
    """How unevenly the dimensions share the scatter of cells around the means of their clusters.

    n_dims sum(v^2) / sum(v)^2 - 1 of the eigenvalues v of the covariance: 0 for a ball, n_dims - 1 for a line. It is
    n_dims over the participation ratio, less 1.
    """
    member = nn.functional.one_hot(cluster).to(embedding.dtype)
    means = (member.T @ embedding) / member.sum(0)[:, None].clamp_min(1)
    residual = embedding - member @ means
    covariance = residual.T @ residual / len(residual)
    total = covariance.diagonal().sum().square().clamp_min(1e-20)
    return len(covariance) * covariance.square().sum() / total - 1
