"""Networks that train a trunk: masked reconstruction, alone or with a batch-conditioned decoder from the cell token.

The decoder, its likelihood and the divergence are those of CVAE_NB. Every layer of the decoder receives the batch; the
trunk does not. A prior shared by all batches penalises batch information in the cell token.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Self

import numpy as np
import torch
from scipy import sparse
from torch import nn

from scbench.neural import likelihoods
from scbench.neural.cells import CountRows, Counts
from scbench.neural.discrepancy import distance_within_clusters, flatness
from scbench.neural.fit import Model
from scbench.neural.networks import FIRST_LOG_VARIANCE, MeanDecoder, one_hot
from scbench.neural.priors import GaussianMixture, StandardNormal
from scbench.transformer.parameters import IntegrationParameters, TrunkParameters
from scbench.transformer.trunk import TRUNKS, Trunk
from scbench.types import Dataset

MITOCHONDRIAL = ("MT-", "mt-")
CHUNK = 256  # cells embedded at a time
ASKED = 32  # masked genes reconstructed per step; more cost more and do not improve training
N_COMPONENTS = 20  # of a mixture prior, as by default in CVAE_NB


def choose_genes(data: Dataset, n_genes: int, known: Container[str] | None = None) -> np.ndarray:
    """Return the columns of the `n_genes` most variable non-mitochondrial genes, ascending.

    Parameters
    ----------
    known
        Upper-case symbols of the genes to choose from; None: all.
    """
    rank = np.arange(len(data.gene_names)) if data.gene_rank is None else data.gene_rank
    usable = [
        not name.startswith(MITOCHONDRIAL) and (known is None or name.upper() in known) for name in data.gene_names
    ]
    columns = np.flatnonzero(usable)
    return np.sort(columns[np.argsort(rank[columns], kind="stable")[:n_genes]])


def mean_and_sd(expression: sparse.csr_matrix) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation, at least 0.001, of the columns, each (n_genes,)."""
    mean = np.asarray(expression.mean(axis=0)).ravel()
    variance = np.asarray(expression.power(2).mean(axis=0)).ravel() - mean**2
    return torch.from_numpy(mean), torch.from_numpy(np.sqrt(np.clip(variance, 1e-6, None)))


def reconstruct(
    trunk: Trunk, values: torch.Tensor, genes: torch.Tensor, sd: torch.Tensor, order: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide a fraction of the genes; return the cell tokens and the mean squared error at hidden genes.

    Parameters
    ----------
    values
        (n, k) expression relative to the mean of a gene.
    genes, sd
        (k,) genes of the trunk, and their standard deviations, in which errors are measured.
    order
        (k,) random order of the k genes: the first are hidden, the next, at most `n_genes` of the trunk, are shown.
    """
    options = trunk.options
    n_hidden = max(1, round(options.mask * min(len(order), options.n_genes)))
    shown, asked = order[n_hidden:][: options.n_genes], order[: min(n_hidden, ASKED)]
    cell, outputs = trunk(values[:, shown], genes[shown], genes[asked])
    error = trunk.expression(outputs) - values[:, asked] / sd[asked]
    return cell, error.square().mean()


class Pretraining(Model[TrunkParameters]):
    """A trunk with its genes, trained on masked reconstruction.

    In every minibatch a fraction of the genes is hidden from the trunk, which predicts their values.

    Parameters
    ----------
    columns
        Columns of the counts that the trunk uses.
    """

    options_class: type[TrunkParameters] = TrunkParameters
    columns: torch.Tensor
    mean: torch.Tensor
    sd: torch.Tensor

    def __init__(self, options: TrunkParameters, columns: Sequence[int], **sizes: int) -> None:
        super().__init__(options, columns=list(columns), **sizes)
        self.frozen = False
        self.trunk = TRUNKS[options.attention](len(columns), options)
        self.register_buffer("columns", torch.as_tensor(np.asarray(columns, dtype=np.int64)))
        self.register_buffer("mean", torch.zeros(len(columns)))
        self.register_buffer("sd", torch.ones(len(columns)))

    def freeze(self) -> None:
        """Keep the weights and the normalisation statistics of the trunk as they are in training."""
        self.frozen = True
        self.trunk.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen:
            self.trunk.eval()
        return self

    @torch.no_grad()
    def start_at(self, counts: Counts) -> None:
        """Centre the input of the trunk on the mean cell."""
        mean, sd = mean_and_sd(counts.log_normalised()[:, self.columns.cpu().numpy()])
        self.mean.copy_(mean)
        self.sd.copy_(sd)

    def values(self, counts: CountRows) -> torch.Tensor:
        """Return the input of the trunk, (n, genes of the trunk)."""
        return counts.log_normalised()[:, self.columns] - self.mean

    @property
    def all_genes(self) -> torch.Tensor:
        return torch.arange(len(self.columns), device=self.columns.device)

    def masked(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cell tokens and the error of `reconstruct`; outside training, the hidden genes are fixed."""
        rng = None if self.training else torch.Generator().manual_seed(0)
        order = torch.randperm(values.shape[1], generator=rng).to(values.device)
        return reconstruct(self.trunk, values, self.all_genes, self.sd, order)

    def losses(self, counts: CountRows, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return {masked}; see `masked`."""
        return {"masked": self.masked(self.values(counts))[1]}

    def embed(self, counts: CountRows, **_) -> torch.Tensor:
        """Return the mean of the outputs over genes, (n, width); the trunk does not need the batch."""
        return self.trunk.embed(self.values(counts), self.all_genes).mean(1)


class Integration(Pretraining):
    """Masked reconstruction, and a latent from the cell tokens with a batch-conditioned decoder.

    Parameters
    ----------
    n_counts, n_batches, n_clusters
        Numbers of genes (all are decoded), of batches, and of clusters shared by batches.
    """

    options_class = IntegrationParameters

    def __init__(
        self,
        options: IntegrationParameters,
        columns: Sequence[int],
        *,
        n_counts: int,
        n_batches: int,
        n_clusters: int = 1,
    ) -> None:
        super().__init__(options, columns, n_counts=n_counts, n_batches=n_batches, n_clusters=n_clusters)
        self.n_batches, self.n_clusters, latent_dim = n_batches, n_clusters, options.latent_dim
        described = self.trunk.latents.numel()
        self.to_latent = nn.Sequential(
            nn.LayerNorm(self.trunk.width),
            nn.Flatten(),
            nn.Dropout(options.dropout),
            last := nn.Linear(described, 2 * latent_dim),
        )
        nn.init.constant_(last.bias[latent_dim:], FIRST_LOG_VARIANCE)
        self.decoder = MeanDecoder(
            latent_dim, options.hidden, n_counts, size_factor="multiply", condition_dim=n_batches, norm="layer"
        )
        self.log_theta = nn.Parameter(torch.zeros(n_batches, n_counts))
        mixture = options.prior == "mog"
        self.prior = GaussianMixture(latent_dim, N_COMPONENTS) if mixture else StandardNormal(latent_dim)

    @torch.no_grad()
    def start_at(self, counts: Counts) -> None:
        """Centre the trunk on the mean cell and initialise the decoder with its shares of the genes."""
        super().start_at(counts)
        self.decoder.to_genes.bias.copy_(torch.log(torch.from_numpy(counts.shares()).float() + 1e-8))

    def posterior(self, cell: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log variance of the latent, each (n, latent_dim), from the cell tokens."""
        mean, log_variance = self.to_latent(cell).chunk(2, dim=1)
        return mean, log_variance.clamp(-10, 10)

    def losses(
        self, counts: CountRows, batch: torch.Tensor, cluster: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Return {masked, reconstruction, kl}, the latter two in nats: summed per cell, means over cells.

        If clusters are given, also {mmd, flatness} of the latent, see `scbench.neural.discrepancy`.
        """
        cell, masked = self.masked(self.values(counts))
        mean, log_variance = self.posterior(cell)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean) if self.training else mean
        code = one_hot(batch, self.n_batches)
        theta = likelihoods.dispersion(self.log_theta)
        decoded = self.decoder(z, counts.totals, code, batch)
        reconstruction = likelihoods.negative_binomial_of_rows(counts, decoded, theta, batch)
        kl = self.prior.kl(mean, log_variance, z, batch).sum(1)
        terms = {"masked": masked, "reconstruction": reconstruction.mean(), "kl": kl.mean()}
        if cluster is not None:
            terms["mmd"] = distance_within_clusters(mean, batch, cluster, self.n_batches, self.n_clusters)
            terms["flatness"] = flatness(mean, cluster, self.n_clusters)
        return terms

    def embed(self, counts: CountRows, **_) -> torch.Tensor:
        """Return the mean of the latent, (n, latent_dim); the trunk does not need the batch."""
        return self.posterior(self.trunk.cell(self.values(counts), self.all_genes))[0]
