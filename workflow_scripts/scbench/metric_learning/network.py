"""The network of scDML: log-normalised cells, scaled per batch, to an embedding that is trained with triplets."""

import torch
from torch import nn

from scbench.autoencoders.cells import SparseRows
from scbench.metric_learning.scaling import LARGEST, BatchScaling
from scbench.metric_learning.triplets import MINING, triplet_loss


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
