"""The autoencoder behind the whole family and the disentangled model, which differ in its parts and its objective."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from scbench.autoencoders.codebook import Codebook
from scbench.autoencoders.convolution import Convolution, co_expression_order
from scbench.autoencoders.objective import LOSSES, Pass
from scbench.autoencoders.parameters import TERMS, AutoencoderParameters
from scbench.autoencoders.pretraining import SelfTraining, pretrain_layers
from scbench.graphs.shared_clusters import shared_clusters
from scbench.neural import automatic, likelihoods
from scbench.neural.adversary import BatchAdversary, PriorAdversary
from scbench.neural.cells import Cells, CountRows, Counts
from scbench.neural.fit import Model
from scbench.neural.fit import fit as neural_fit
from scbench.neural.networks import FIRST_LOG_VARIANCE, MeanDecoder, Perceptron, one_hot
from scbench.neural.schedules import read_schedules, weights_at
from scbench.neural.training import apply, train
from scbench.types import Dataset, Embedding


class Autoencoder(Model[AutoencoderParameters]):
    """Encode log-normalised expression to z_bio and, with `split`, z_batch; decode z_bio conditioned on the batch.

    The terms of the objective determine the parts: with kl, z_bio is a Gaussian instead of a point, and with
    batch_code_kl so is z_batch; adversaries and codebook exist if the objective has their terms.

    Parameters
    ----------
    n_clusters
        Number of clusters shared by batches, see `scbench.graphs.shared_clusters`.
    """

    options_class = AutoencoderParameters
    adversary: BatchAdversary
    prior_adversary: PriorAdversary
    centre: torch.Tensor
    groups: torch.Tensor

    def __init__(self, options: AutoencoderParameters, *, n_genes: int, n_batches: int, n_clusters: int) -> None:
        super().__init__(options, n_genes=n_genes, n_batches=n_batches, n_clusters=n_clusters)
        p, self.n_batches = options, n_batches
        assert p.dropout is not None
        asked = read_schedules(p.objective, TERMS)
        self.terms = [name for name in TERMS if name in asked]
        hidden = p.hidden or automatic.hidden_widths(n_genes)
        self.trunk: nn.Module
        if p.layers == "dense":
            self.trunk = Perceptron([n_genes, *hidden], norm="batch", dropout=p.dropout)
        else:
            self.trunk = Convolution(n_genes, hidden[-1], activation="gelu", dropout=p.dropout)
        self.to_mean = nn.Linear(hidden[-1], p.latent_dim)
        self.to_log_variance = _log_variance_of(hidden[-1], p.latent_dim) if "kl" in asked else None
        self.to_code = nn.Linear(hidden[-1], n_batches) if p.split else None
        self.to_code_log_variance = _log_variance_of(hidden[-1], n_batches) if "batch_code_kl" in asked else None
        self.batch_embedding = nn.Embedding(n_batches, p.condition_dim) if p.condition == "embedding" else None
        self.decoder = MeanDecoder(
            p.latent_dim,
            hidden[::-1],
            n_genes,
            size_factor={"nb": "multiply", "mse": "none"}[p.reconstruction],
            condition_dim={"none": 0, "embedding": p.condition_dim}.get(p.condition, n_batches),
        )
        if p.reconstruction == "nb":
            self.log_theta = nn.Parameter(torch.zeros(1 if p.condition == "none" else n_batches, n_genes))
        if "adversary" in asked:
            self.adversary = BatchAdversary(p.latent_dim, n_batches, n_clusters)
        if "prior_adversary" in asked:
            self.prior_adversary = PriorAdversary(p.latent_dim)
        self.codebook = Codebook(p.latent_dim, p.n_codes, p.n_groups) if "commitment" in asked else None
        self.register_buffer("centre", torch.zeros(n_genes))
        self.register_buffer("groups", torch.ones(n_clusters, n_batches))

    @torch.no_grad()
    def start_at(self, counts: Counts, batch: np.ndarray, cluster: np.ndarray) -> None:
        """Centre encoder and decoder on the mean cell, and count the cells per batch and cluster."""
        shares = torch.from_numpy(counts.shares()).float()
        self.centre.copy_(torch.from_numpy(counts.log_means()).float())
        self.decoder.to_genes.bias.copy_(
            torch.log(shares + 1e-8) if self.options.reconstruction == "nb" else self.centre
        )
        np.add.at(groups := np.zeros(self.groups.shape, np.float32), (cluster, batch), 1)
        self.groups.copy_(torch.from_numpy(groups))
        if isinstance(self.trunk, Convolution):
            self.trunk.order.copy_(torch.from_numpy(co_expression_order(counts.log_normalised()).astype(np.int64)))

    def encode(self, expression: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return z_bio and z_batch (None without `split`), as means if Gaussian, of expression (n, n_genes)."""
        h = self.trunk(expression - self.centre, None, None)
        return self.to_mean(h), None if self.to_code is None else self.to_code(h)

    def code_of(self, batch: torch.Tensor) -> torch.Tensor | None:
        """Return the condition for decoding cells as if they were of the batches (n,); not for condition z_batch."""
        if self.options.condition in ("one_hot", "softmax"):
            return one_hot(batch, self.n_batches)
        return None if self.batch_embedding is None else self.batch_embedding(batch)

    def decoded_expression(self, z, condition, counts: CountRows) -> torch.Tensor:
        """Return the log-normalised expression (n, n_genes) that is decoded from z_bio of cells under a condition."""
        shown = self.decoder(z, counts.totals, condition, None)
        return torch.log1p(shown * counts.scale) if self.options.reconstruction == "nb" else shown

    def losses(self, counts: CountRows, batch: torch.Tensor, cluster: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return every term of the objective, unweighted."""
        shown = counts
        if self.training and self.options.mask:
            shown = counts.with_values(counts.values * (torch.rand_like(counts.values) >= self.options.mask))
        h = self.trunk(shown.log_normalised() - self.centre, None, None)
        mean, log_variance, z = self._part(h, self.to_mean, self.to_log_variance)
        code, code_log_variance, u = self._part(h, self.to_code, self.to_code_log_variance)
        if self.codebook is not None:
            z = self.codebook(z)
        if self.options.condition not in ("z_batch", "softmax"):
            condition = self.code_of(batch)
        else:
            condition = u if self.options.condition == "z_batch" else torch.softmax(u, dim=1)
        p = Pass(counts, batch, cluster, mean, log_variance, z, code, code_log_variance, condition)
        return {name: LOSSES[name](self, p) for name in self.terms}

    def _part(self, h, to_mean, to_log_variance):
        """Return mean, log variance (None if deterministic) and, in training, a sample of a part of the latent."""
        if to_mean is None:
            return None, None, None
        mean = to_mean(h)
        if to_log_variance is None:
            return mean, None, mean
        log_variance = to_log_variance(h).clamp(-10, 10)
        return mean, log_variance, mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean) * self.training

    def reconstruction_loss(self, p: Pass) -> torch.Tensor:
        """Return the reconstruction loss, mean over cells; nb: nats, summed over genes; mse: mean over genes."""
        shown = self.decoder(p.z, p.counts.totals, p.condition, None)
        if self.options.reconstruction == "mse":
            return (shown - p.counts.log_normalised()).square().mean()
        theta = likelihoods.dispersion(self.log_theta)
        kind = p.batch if len(theta) > 1 else None
        return likelihoods.negative_binomial_of_rows(p.counts, shown, theta, kind).mean()

    def embed(self, counts: CountRows, **_) -> torch.Tensor:
        """Return z_bio, (n, latent_dim); the encoder does not need the batch."""
        return self.encode(counts.log_normalised())[0]

    def z_batch(self, counts: CountRows, **_) -> torch.Tensor:
        """Return z_batch, (n, n_batches): logits of the batch, if the objective has batch_code."""
        code = self.encode(counts.log_normalised())[1]
        assert code is not None
        return code


def _log_variance_of(n_in: int, n_out: int) -> nn.Linear:
    layer = nn.Linear(n_in, n_out)
    nn.init.constant_(layer.bias, FIRST_LOG_VARIANCE)  # a decoder that first sees noise learns to ignore the latent
    return layer


def fit(data: Dataset, options: AutoencoderParameters, *, seed: int, device: str) -> Embedding:
    """Train an `Autoencoder` on all cells of `data` and return z_bio, (n_cells, latent_dim).

    With `pretrain` the layers are first trained one after another, see `pretrain_layers`. With `cluster_stage` the
    encoder is finally trained on its own clusters, which are returned, see `SelfTraining`. Each of these stages takes a
    quarter of the epochs.
    """
    terms = read_schedules(options.objective, TERMS)
    cluster = np.zeros(data.n_cells, np.int64)
    if {"adversary", "mmd"} & set(terms):
        cluster = shared_clusters(data.pca, data.batch, seed=seed)
    counts = Counts.of(data)
    settings: dict[str, Any] = {"batch_size": options.batch_size, "learning_rate": options.learning_rate, "seed": seed}

    def make() -> Autoencoder:
        sizes = {"n_genes": data.X.shape[1], "n_batches": len(data.batch_names), "n_clusters": int(cluster.max()) + 1}
        model = Autoencoder(options, **sizes)
        model.start_at(counts, data.batch, cluster)
        return model

    def pretrain(model: Autoencoder, cells: Cells, epochs: int) -> list[pd.DataFrame]:
        return pretrain_layers(
            model, counts, device, checkpoint=data.checkpoint, epochs=max(1, epochs // 4), **settings
        )

    def train_on_clusters(model: Autoencoder, cells: Cells, epochs: int) -> tuple[list[pd.DataFrame], np.ndarray]:
        stage = SelfTraining(model, apply(model.eval().embed, cells), seed=seed).to(device)
        weights, checkpoint = {"clustering": 1.0}, data.checkpoint and data.checkpoint.stage("clusters")
        history = train(
            stage, cells, weights=lambda _: weights, checkpoint=checkpoint, epochs=max(1, epochs // 4), **settings
        )
        return [history], apply(stage.eval().assignment, cells).argmax(1)

    return neural_fit(
        data,
        make,
        options,
        columns={"counts": counts, "batch": data.batch, "cluster": cluster},
        weights=partial(weights_at, terms),
        seed=seed,
        device=device,
        first=pretrain if options.pretrain else None,
        last=train_on_clusters if options.cluster_stage else None,
        cosine_from=0.5,
    )
