"""The one autoencoder behind the disentangled model and the family: what differs is its parts and its objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import nn

from scbench.autoencoders.codebook import Codebook
from scbench.autoencoders.convolution import Convolution, co_expression_order
from scbench.autoencoders.objective import TERMS, Pass, schedules
from scbench.autoencoders.pretraining import SelfTraining, pretrain_layers
from scbench.graphs.shared_clusters import shared_clusters
from scbench.neural import likelihoods
from scbench.neural.adversary import BatchAdversary, PriorAdversary
from scbench.neural.automatic import automatic_epochs
from scbench.neural.cells import TARGET_SUM, Cells, SparseRows, scaled_counts
from scbench.neural.networks import FIRST_LOG_VARIANCE, MeanDecoder, Perceptron
from scbench.neural.schedules import weights_at
from scbench.neural.training import apply, train
from scbench.seeding import seed_torch
from scbench.types import Dataset, Embedding

CHOICES = {
    "condition": ("none", "z_batch", "one_hot", "embedding"),
    "reconstruction": ("nb", "mse"),
    "layers": ("dense", "convolution"),
}
WIDE_FROM = 3000  # genes


class Autoencoder(nn.Module):
    """An encoder of log-normalised expression to z_bio and, with `split`, z_batch; a decoder of z_bio and the batch.

    Parameters
    ----------
    terms
        Names of `TERMS`: they say which parts there are. With kl, z_bio is a Gaussian and not a point, with
        batch_code_kl z_batch is; adversaries and codebook are there with their terms.
    split
        Whether there is a z_batch, of as many dimensions as batches.
    condition
        What the decoder is told of the batch, at every layer: none, z_batch, one_hot, or an embedding, trained, of
        width `condition_dim`.
    reconstruction
        nb: counts, negative binomial with a dispersion per gene (and batch, if there is a condition), or mse: squared
        error of log-normalised expression.
    mask
        Share of the entries of a cell that the encoder is not shown in training.
    n_codes, n_groups
        Of the codebook.

    Raises
    ------
    ValueError
        For a value that is none of `CHOICES`, and a term or condition that needs a z_batch where there is none.
    """

    def __init__(
        self,
        *,
        n_genes: int,
        n_batches: int,
        n_clusters: int,
        latent_dim: int,
        hidden: Sequence[int],
        terms: Sequence[str],
        split: bool = False,
        condition: str = "none",
        condition_dim: int = 16,
        reconstruction: str = "nb",
        layers: str = "dense",
        dropout: float = 0.3,
        mask: float = 0.0,
        n_codes: int = 64,
        n_groups: int = 4,
    ) -> None:
        given = locals()
        for name, known in CHOICES.items():
            if given[name] not in known:
                raise ValueError(f"{name}: '{given[name]}' is not known; choose one of {', '.join(known)}")
        if not split and (condition == "z_batch" or {"batch_code", "batch_code_kl"} & set(terms)):
            raise ValueError("condition z_batch, batch_code and batch_code_kl need a z_batch, which this model has not")
        super().__init__()
        self.terms = [name for name in TERMS if name in terms]
        self.n_batches, self.condition, self.kind, self.mask = n_batches, condition, reconstruction, mask
        if layers == "dense":
            self.trunk = Perceptron([n_genes, *hidden], norm="batch", dropout=dropout)
        else:
            self.trunk = Convolution(n_genes, hidden[-1], activation="gelu", dropout=dropout)
        self.to_mean = nn.Linear(hidden[-1], latent_dim)
        self.to_log_variance = _log_variance_of(hidden[-1], latent_dim) if "kl" in terms else None
        self.to_code = nn.Linear(hidden[-1], n_batches) if split else None
        self.to_code_log_variance = _log_variance_of(hidden[-1], n_batches) if "batch_code_kl" in terms else None
        self.batch_embedding = nn.Embedding(n_batches, condition_dim) if condition == "embedding" else None
        self.decoder = MeanDecoder(
            latent_dim,
            list(hidden)[::-1],
            n_genes,
            size_factor={"nb": "multiply", "mse": "none"}[reconstruction],
            condition_dim={"none": 0, "embedding": condition_dim}.get(condition, n_batches),
        )
        if reconstruction == "nb":
            self.log_theta = nn.Parameter(torch.zeros(1 if condition == "none" else n_batches, n_genes))
        if "adversary" in terms:
            self.adversary = BatchAdversary(latent_dim, n_batches, n_clusters)
        if "prior_adversary" in terms:
            self.prior_adversary = PriorAdversary(latent_dim)
        self.codebook = Codebook(latent_dim, n_codes, n_groups) if "commitment" in terms else None
        self.register_buffer("centre", torch.zeros(n_genes))
        self.register_buffer("groups", torch.ones(n_clusters, n_batches))

    @torch.no_grad()
    def start_at(self, counts: sparse.csr_matrix, batch: np.ndarray, cluster: np.ndarray) -> None:
        """Begin at the mean cell: the encoder sees deviations from it, the decoder shows it. Count cells per group."""
        scaled = scaled_counts(counts)
        shares = torch.from_numpy(np.asarray(scaled.mean(axis=0)).ravel() / TARGET_SUM).float()
        self.centre.copy_(torch.from_numpy(np.asarray(scaled.log1p().mean(axis=0)).ravel()).float())
        self.decoder.to_genes.bias.copy_(torch.log(shares + 1e-8) if self.kind == "nb" else self.centre)
        np.add.at(groups := np.zeros(self.groups.shape, np.float32), (cluster, batch), 1)
        self.groups.copy_(torch.from_numpy(groups))
        if isinstance(self.trunk, Convolution):
            self.trunk.order.copy_(torch.from_numpy(co_expression_order(scaled.log1p()).astype(np.int64)))

    def encode(self, expression: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """z_bio and z_batch (None without `split`) of log-normalised expression (n, n_genes): means, if Gaussian."""
        h = self.trunk(expression - self.centre, None, None)
        return self.to_mean(h), None if self.to_code is None else self.to_code(h)

    def code_of(self, batch: torch.Tensor) -> torch.Tensor | None:
        """What a decoder that is not given z_batch is told of batch codes (n,)."""
        if self.condition == "one_hot":
            return nn.functional.one_hot(batch, self.n_batches).to(self.centre.dtype)
        return None if self.batch_embedding is None else self.batch_embedding(batch)

    def decoded_expression(self, z, condition, library) -> torch.Tensor:
        """Log-normalised expression (n, n_genes) that the decoder shows for z_bio under a condition."""
        shown = self.decoder(z, library, condition, None)
        return torch.log1p(shown * (TARGET_SUM / library.clamp_min(1))) if self.kind == "nb" else shown

    def losses(self, counts: SparseRows, batch: torch.Tensor, cluster: torch.Tensor) -> dict[str, torch.Tensor]:
        """Every term of the objective, without its weight."""
        shown = counts
        if self.training and self.mask:
            shown = counts.with_values(counts.values * (torch.rand_like(counts.values) >= self.mask))
        h = self.trunk(shown.log_normalised() - self.centre, None, None)
        mean, log_variance, z = self._part(h, self.to_mean, self.to_log_variance)
        code, code_log_variance, u = self._part(h, self.to_code, self.to_code_log_variance)
        if self.codebook is not None:
            z = self.codebook(z)
        condition = u if self.condition == "z_batch" else self.code_of(batch)
        p = Pass(counts, batch, cluster, mean, log_variance, z, code, code_log_variance, condition)
        return {name: TERMS[name](self, p) for name in self.terms}

    def _part(self, h, to_mean, to_log_variance):
        """Mean, log variance and, in training, a sample of a part of the latent; None: there is none."""
        if to_mean is None:
            return None, None, None
        mean = to_mean(h)
        if to_log_variance is None:
            return mean, None, mean
        log_variance = to_log_variance(h).clamp(-10, 10)
        return mean, log_variance, mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean) * self.training

    def reconstruction_loss(self, p: Pass) -> torch.Tensor:
        """nb: nats, summed over genes; mse: mean over genes; both means over cells."""
        shown = self.decoder(p.z, p.counts.totals, p.condition, None)
        if self.kind == "mse":
            return (shown - p.counts.log_normalised()).square().mean()
        theta = likelihoods.dispersion(self.log_theta)
        kind = p.batch if len(theta) > 1 else None
        return likelihoods.negative_binomial_of_rows(p.counts, shown, theta, kind).mean()

    def z_bio(self, counts: SparseRows, **_) -> torch.Tensor:
        """(n, latent_dim): the embedding; of cells of any batch, since the encoder is not told the batch."""
        return self.encode(counts.log_normalised())[0]

    def z_batch(self, counts: SparseRows, **_) -> torch.Tensor:
        """(n, n_batches): logits of the batch, if the objective has batch_code."""
        return self.encode(counts.log_normalised())[1]


def _log_variance_of(n_in: int, n_out: int) -> nn.Linear:
    layer = nn.Linear(n_in, n_out)
    nn.init.constant_(layer.bias, FIRST_LOG_VARIANCE)  # a decoder that first sees noise learns to ignore the latent
    return layer


def load(state: dict) -> Autoencoder:
    """Rebuild a model from the content of model.pt, in evaluation mode."""
    model = Autoencoder(**state["architecture"])
    model.load_state_dict(state["weights"])
    return model.eval()


def fit(
    data: Dataset,
    *,
    seed: int,
    device: str,
    objective: Mapping[str, float | list],
    pretrain: bool = False,
    cluster_stage: bool = False,
    epochs: int | None,
    max_steps: int,
    batch_size: int,
    learning_rate: float,
    **architecture,
) -> Embedding:
    """Train an `Autoencoder` on all cells of `data` and return z_bio, (n_cells, latent_dim).

    Parameters
    ----------
    objective
        {term: weight, or [weight, start, full]}, see `scbench.autoencoders.objective`; the reconstruction has weight 1.
    pretrain
        Train the layers one after another first; see `pretrain_layers`.
    cluster_stage
        Train the encoder on its own clusters in the end, and return them; see `SelfTraining`.
    epochs
        None: as many as make about `max_steps` steps, at most 400 and at least 20. The further stages take a quarter of
        it each.
    architecture
        Arguments of `Autoencoder` but for numbers of genes, batches and clusters, and terms. `hidden` None: two layers
        of 128, from 3,000 genes on 1024 and 512.
    """
    if pretrain and architecture.get("layers") == "convolution":
        raise ValueError("pretrain: convolutions are not trained layer by layer; use layers: dense")
    seed_torch(seed)
    terms = schedules(objective)
    cluster = np.zeros(data.n_cells, np.int64)
    if {"adversary", "mmd"} & set(terms):
        cluster = shared_clusters(data.pca, data.batch, seed=seed)
    architecture = {
        "n_genes": data.X.shape[1],
        "n_batches": len(data.batch_names),
        "n_clusters": int(cluster.max()) + 1,
        "terms": list(terms),
        **architecture,
        "hidden": list(architecture["hidden"] or ([1024, 512] if data.X.shape[1] >= WIDE_FROM else [128, 128])),
    }
    model = Autoencoder(**architecture)
    model.start_at(data.X, data.batch, cluster)
    model.to(device)
    cells = Cells(device, {"counts": data.X, "batch": data.batch, "cluster": cluster})
    epochs = epochs or automatic_epochs(data.n_cells, batch_size, max_steps)
    settings = {"batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
    short = {**settings, "epochs": max(1, epochs // 4)}
    histories = pretrain_layers(model, data.X, device, **short) if pretrain else []
    whole = {**settings, "epochs": epochs, "cosine_from": 0.5, "checkpoint": data.checkpoint}
    histories.append(train(model, cells, weights=lambda progress: weights_at(terms, progress), **whole))
    own = None
    if cluster_stage:
        stage = SelfTraining(model, apply(model.eval().z_bio, cells), seed=seed).to(device)
        histories.append(train(stage, cells, weights=lambda _: {"clustering": 1.0}, **short))
        own = apply(stage.eval().assignment, cells).argmax(1)
    starts = np.cumsum([0, *(one["epoch"].max() + 1 for one in histories)])
    later = [one.assign(epoch=one["epoch"] + start) for one, start in zip(histories, starts, strict=False)]
    state = {"architecture": architecture, "weights": model.eval().state_dict()}
    history = pd.concat(later, ignore_index=True)
    return Embedding(X=apply(model.z_bio, cells), cluster=own, history=history, model=state)
