"""Additional training stages of stacked autoencoders: layer-wise pretraining, and self-training on own clusters."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import nn

from scbench.graphs.leiden import fine_clusters
from scbench.neural.cells import Cells, Column, CountRows, Counts
from scbench.neural.discrepancy import squared_distances
from scbench.neural.networks import Perceptron
from scbench.neural.training import apply, train
from scbench.types import Checkpoint

if TYPE_CHECKING:
    from scbench.autoencoders.autoencoder import Autoencoder

CORRUPTION = 0.2  # dropout of a layer's input


class Layer(nn.Module):
    """One layer of an encoder with its own linear decoder: a small denoising autoencoder.

    `centre` (n_genes,) is subtracted from log-normalised counts; None: the input is the output of the previous layer.
    """

    def __init__(self, encoder: nn.Module, n_in: int, n_out: int, centre: torch.Tensor | None) -> None:
        super().__init__()
        self.encoder, self.decoder, self.centre = encoder, nn.Linear(n_out, n_in), centre

    def input(self, x: CountRows | torch.Tensor) -> torch.Tensor:
        if isinstance(x, torch.Tensor):
            return x
        assert self.centre is not None
        return x.log_normalised() - self.centre

    def encode(self, h: torch.Tensor) -> torch.Tensor:
        return self.encoder(h, None, None) if isinstance(self.encoder, Perceptron) else self.encoder(h)

    def losses(self, x) -> dict[str, torch.Tensor]:
        """Return the squared error with respect to the clean input, mean over its dimensions and the cells."""
        h = self.input(x)
        shown = self.decoder(self.encode(nn.functional.dropout(h, CORRUPTION, self.training)))
        return {"layer": (shown - h).square().mean()}


def pretrain_layers(
    model: Autoencoder, counts: Counts, device: str, *, checkpoint: Checkpoint | None = None, **training
) -> list[pd.DataFrame]:
    """Train every layer of the encoder of an `Autoencoder` on the output of the previous one, then unroll the layers.

    The encoder starts from these layers, and the decoder from their decoders in reverse order, except for its output
    layer, which predicts counts. `training` holds arguments of `train`; every layer is a stage of `checkpoint`. Returns
    one history per layer. Source: Vincent et al. 2010, JMLR 11, 3371.
    """
    trunk, histories = model.trunk, []
    column: Column = counts
    assert isinstance(trunk, Perceptron)
    inner = [linear.out_features for linear in trunk.linear if isinstance(linear, nn.Linear)]
    widths = [counts.shape[1], *inner, model.to_mean.out_features]
    mirrored = [None, *reversed(model.decoder.trunk.linear)]
    for k, (n_in, n_out) in enumerate(pairwise(widths)):
        last = k == len(trunk.linear)
        encoder: nn.Module = model.to_mean if last else Perceptron([n_in, n_out], norm="batch")
        layer = Layer(encoder, n_in, n_out, None if k else model.centre).to(device)
        cells = Cells(device, {"x": column})
        stage = checkpoint and checkpoint.stage(f"layer_{k + 1}")
        history = train(layer, cells, weights=lambda _: {"layer": 1.0}, checkpoint=stage, **training)
        histories.append(history.assign(term=f"layer_{k + 1}"))
        if isinstance(encoder, Perceptron):
            trunk.linear[k].load_state_dict(encoder.linear[0].state_dict())
            trunk.norm[k].load_state_dict(encoder.norm[0].state_dict())
        decoder = mirrored[k]
        if isinstance(decoder, nn.Linear):
            with torch.no_grad():
                decoder.weight[:, :n_out] = layer.decoder.weight
                decoder.bias.copy_(layer.decoder.bias)
        layer.eval()
        column = apply(lambda x, layer=layer: layer.encode(layer.input(x)), cells)
    return histories


class SelfTraining(nn.Module):
    """Pull cells towards their nearest clusters, which start as Leiden clusters of the latent.

    Source: Li et al. 2020 (DESC), doi 10.1038/s41467-020-15851-3; Xie et al. 2016, arXiv 1511.06335. Unlike there, the
    frequencies of the clusters are moving averages over minibatches instead of frequencies over all cells.
    """

    frequency: torch.Tensor

    def __init__(self, model: Autoencoder, z: np.ndarray, *, seed: int) -> None:
        super().__init__()
        cluster = fine_clusters(z, resolution=1.0, seed=seed)
        self.model = model
        means = np.stack([z[cluster == code].mean(0) for code in range(cluster.max() + 1)])
        self.centre = nn.Parameter(torch.from_numpy(means))
        self.register_buffer("frequency", torch.from_numpy(np.bincount(cluster) / len(cluster)).float())

    def assignment(self, counts: CountRows, **_) -> torch.Tensor:
        """Return the probability of every cluster, (n, n_clusters): Student's t kernel with one degree of freedom."""
        near = 1 / (1 + squared_distances(self.model.embed(counts), self.centre))
        return near / near.sum(1, keepdim=True)

    def losses(self, counts: CountRows, **_) -> dict[str, torch.Tensor]:
        """Return the KL divergence in nats between sharpened and current assignments, mean over cells."""
        q = self.assignment(counts)
        if self.training:
            self.frequency.lerp_(q.detach().mean(0), 0.01)
        target = q.detach().square() / self.frequency
        target = target / target.sum(1, keepdim=True)
        return {"clustering": (torch.xlogy(target, target) - target * torch.log(q)).sum(1).mean()}
