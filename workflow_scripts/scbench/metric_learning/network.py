"""The networks of scDML: they map log-normalised cells, scaled per batch, to an embedding trained with triplets."""

import torch
from torch import nn

from scbench.metric_learning.parameters import ScdmlParameters, SelfTrainingParameters, TripletParameters
from scbench.metric_learning.scaling import LARGEST, BatchScaling
from scbench.metric_learning.triplets import triplet_loss
from scbench.neural.cells import SparseRows
from scbench.neural.discrepancy import distance_within_clusters, flatness
from scbench.neural.fit import Model


class TripletNetwork(Model[TripletParameters]):
    """Scaling with the mean and standard deviation of the cell's batch, then Linear, ReLU, Linear."""

    options_class: type[TripletParameters] = ScdmlParameters
    mean: torch.Tensor
    sd: torch.Tensor

    def __init__(self, options: TripletParameters, *, n_batches: int, n_genes: int) -> None:
        super().__init__(options, n_batches=n_batches, n_genes=n_genes)
        self.register_buffer("mean", torch.zeros(n_batches, n_genes))
        self.register_buffer("sd", torch.ones(n_batches, n_genes))
        width, n_dims = options.hidden, options.latent_dim
        assert n_dims is not None
        self.layers = nn.Sequential(nn.Linear(n_genes, width), nn.ReLU(), nn.Linear(width, n_dims))

    @torch.no_grad()
    def start_at(self, scaling: BatchScaling) -> None:
        """Set the means and standard deviations used to scale cells."""
        self.mean.copy_(torch.from_numpy(scaling.mean))
        self.sd.copy_(torch.from_numpy(scaling.sd))

    def embed(self, x: SparseRows, batch: torch.Tensor, **_) -> torch.Tensor:
        """Return the embedding (n, latent_dim) of log-normalised cells."""
        scaled = (x.dense() - self.mean[batch]) / self.sd[batch]
        embedding = self.layers(scaled.clamp(-LARGEST, LARGEST))
        return nn.functional.normalize(embedding) if self.options.unit else embedding

    def losses(self, x: SparseRows, batch: torch.Tensor, cluster: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return {triplet_loss, triplets}; triplets, the mined triplets per cell of the minibatch, is not a loss."""
        loss, n_mined = self._triplet_loss(self.embed(x, batch), cluster)
        return {"triplet_loss": loss, "triplets": n_mined / len(cluster)}

    def _triplet_loss(self, embedding: torch.Tensor, cluster: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return triplet_loss(embedding, cluster, mining=self.options.mining, margin=self.options.margin)


class MixingNetwork(TripletNetwork):
    """A triplet network that also mixes batches within clusters and keeps clusters from becoming flat.

    Once clusters are separated, triplets have no effect within a cluster: batches can stay separate there, and a large
    cluster can become a thin sheet, which clustering of the embedding then splits.
    """

    options_class = SelfTrainingParameters

    def losses(self, x: SparseRows, batch: torch.Tensor, cluster: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return {triplet_loss, mmd, flatness, triplets}; triplets are the mined ones per cell of the minibatch."""
        embedding = self.embed(x, batch)
        loss, n_mined = self._triplet_loss(embedding, cluster)
        n_batches, n_clusters = len(self.mean), int(cluster.max()) + 1
        return {
            "triplet_loss": loss,
            "mmd": distance_within_clusters(embedding, batch, cluster, n_batches, n_clusters, scale_of_clusters=True),
            "flatness": flatness(embedding, cluster, n_clusters),
            "triplets": n_mined / len(cluster),
        }
