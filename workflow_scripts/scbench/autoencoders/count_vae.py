"""The variational autoencoder of counts that VAE_NB, CVAE_NB and their relatives share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse
from torch import nn

from scbench.neural import likelihoods
from scbench.neural.automatic import automatic_epochs
from scbench.neural.cells import TARGET_SUM, Cells, SparseRows, scaled_counts
from scbench.neural.networks import ACTIVATIONS, NORMS, GaussianEncoder, MeanDecoder
from scbench.neural.priors import ConditionalNormal, GaussianMixture, StandardNormal, VampPrior
from scbench.neural.training import apply, train
from scbench.seeding import seed_torch
from scbench.types import Dataset, Embedding

CHOICES = {
    "likelihood": ("nb", "zinb", "poisson", "gaussian"),
    "dispersion": ("gene", "gene_batch"),
    "size_factor": ("multiply", "concat"),
    "prior": ("normal", "mog", "vamp", "conditional"),
    "condition": ("none", "one_hot", "embedding"),
    "encoder_norm": NORMS,
    "decoder_norm": NORMS,
    "activation": tuple(ACTIVATIONS),
}


class CountVae(nn.Module):
    """Encoder to a Gaussian latent, decoder to the mean of the counts under a batch, a prior shared by all batches.

    Parameters
    ----------
    condition
        How the decoder knows the batch: none, one_hot or a learned embedding of width `condition_dim`; it reaches every
        layer of the decoder and, with `condition_encoder`, of the encoder.
    likelihood
        nb | zinb | poisson | gaussian (of log-normalised expression, one variance per gene).
    dispersion
        gene, or gene_batch: one per gene and batch.
    prior
        normal | mog | vamp | conditional, see priors.py; the mixtures have `n_components`.
    free_bits
        nats per latent dimension below which the divergence is not lowered; a mixture has no divergence per dimension,
        there it is free_bits * latent_dim for the whole.

    Raises
    ------
    ValueError
        For a value that is none of `CHOICES`.
    """

    def __init__(
        self,
        *,
        n_genes: int,
        n_batches: int,
        latent_dim: int,
        hidden: Sequence[int],
        dropout: float = 0.1,
        condition: str = "none",
        condition_dim: int = 10,
        condition_encoder: bool = False,
        likelihood: str = "nb",
        dispersion: str = "gene",
        size_factor: str = "multiply",
        prior: str = "normal",
        n_components: int = 20,
        pull: float = 0.1,
        encoder_norm: str = "layer",
        decoder_norm: str = "layer",
        activation: str = "gelu",
        free_bits: float = 0.0,
        cycle: bool = False,
    ) -> None:
        given = locals()
        for name, known in CHOICES.items():
            if given[name] not in known:
                raise ValueError(f"{name}: '{given[name]}' is not known; choose one of {', '.join(known)}")
        super().__init__()
        self.n_genes, self.n_batches, self.latent_dim = n_genes, n_batches, latent_dim
        self.likelihood, self.dispersion, self.free_bits = likelihood, dispersion, free_bits
        self.condition_encoder, self.cycle = condition_encoder, cycle
        width = {"none": 0, "one_hot": n_batches, "embedding": condition_dim}[condition]
        self.condition = condition
        self.batch_embedding = nn.Embedding(n_batches, condition_dim) if condition == "embedding" else None
        self.encoder = GaussianEncoder(
            n_genes,
            hidden,
            latent_dim,
            norm=encoder_norm,
            activation=activation,
            dropout=dropout,
            condition_dim=width if condition_encoder else 0,
            n_batches=n_batches,
        )
        self.decoder = MeanDecoder(
            latent_dim,
            list(hidden)[::-1],
            n_genes,
            size_factor=size_factor,
            condition_dim=width,
            norm=decoder_norm,
            activation=activation,
            n_batches=n_batches,
        )
        shape = (n_batches if dispersion == "gene_batch" else 1, n_genes)
        if likelihood != "poisson":
            self.log_theta = nn.Parameter(torch.zeros(shape))  # of a Gaussian: the log variance
        if likelihood == "zinb":
            self.extra_zero = nn.Linear(latent_dim, n_genes)
        self.prior = {
            "normal": lambda: StandardNormal(latent_dim),
            "mog": lambda: GaussianMixture(latent_dim, n_components),
            "vamp": lambda: VampPrior(0.1 * torch.rand(n_components, n_genes)),
            "conditional": lambda: ConditionalNormal(latent_dim, n_batches, pull),
        }[prior]()

    def prior_sample(self, n: int, batch: torch.Tensor) -> torch.Tensor:
        """Draw n latents (n, latent_dim) from the prior, for cells of the given batches (n,)."""
        return self._connected_prior().sample(n, batch)

    def _connected_prior(self) -> nn.Module:
        if isinstance(self.prior, VampPrior):
            self.prior.encode = self._encode_profiles
        return self.prior

    @torch.no_grad()
    def start_at(self, counts: sparse.csr_matrix) -> None:
        """Begin at the mean cell: the encoder sees deviations from it, the decoder shows its shares of the genes.

        Without this, what all cells have in common drowns the differences between them for the first thousand steps.
        """
        scaled = scaled_counts(counts)
        shares = torch.from_numpy(np.asarray(scaled.mean(axis=0)).ravel() / TARGET_SUM).float()
        mean = torch.from_numpy(np.asarray(scaled.log1p().mean(axis=0)).ravel()).float()
        first = self.encoder.trunk.linear[0]
        first.bias.copy_(-first.weight[:, : self.n_genes] @ mean)
        self.decoder.to_genes.bias.copy_(torch.log(shares + 1e-8))

    def code(self, batch: torch.Tensor) -> torch.Tensor | None:
        """The condition (n, width) of batch codes (n,)."""
        if self.condition == "none":
            return None
        if self.batch_embedding is not None:
            return self.batch_embedding(batch)
        return nn.functional.one_hot(batch, self.n_batches).to(self.encoder.to_mean.weight.dtype)

    def encode(self, expression: torch.Tensor, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log variance of the posterior, each (n, latent_dim), of log-normalised expression (n, n_genes)."""
        return self.encoder(expression, self.code(batch) if self.condition_encoder else None, batch)

    def decode(self, z: torch.Tensor, library: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """Mean counts (n, n_genes) of latents (n, latent_dim) in cells of the given batch and library size (n, 1)."""
        return self.decoder(z, library, self.code(batch), batch)

    def theta(self, batch: torch.Tensor | None = None) -> torch.Tensor:
        """Dispersions (1 or n_batches, n_genes), or with `batch` those of each cell."""
        theta = likelihoods.dispersion(self.log_theta)
        return theta if batch is None or len(theta) == 1 else theta[batch]

    def log_variance(self, batch: torch.Tensor) -> torch.Tensor:
        """Log variances (1 or n_cells, n_genes) of the Gaussian likelihood."""
        table = self.log_theta.clamp(-8, 4)
        return table if len(table) == 1 else table[batch]

    def losses(self, counts: SparseRows, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """{reconstruction, kl} in nats: sums over genes or latent dimensions, means over cells."""
        mean, log_variance = self.encode(counts.log_normalised(), batch)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean) if self.training else mean
        kl = self._connected_prior().kl(mean, log_variance, z, batch).mean(0)
        floor = self.free_bits * self.latent_dim / len(kl)
        reconstruction = self.negative_log_likelihood(counts, z, self.decode(z, counts.totals, batch), batch)
        terms = {"reconstruction": reconstruction.mean(), "kl": (kl.clamp_min(floor) if floor else kl).sum()}
        if self.cycle:
            terms["cycle"] = self._cycle(mean, z, counts.totals)
        return terms

    def _cycle(self, mean: torch.Tensor, z: torch.Tensor, library: torch.Tensor) -> torch.Tensor:
        """Squared distance, in units of the latent variance, to where a cell decoded under another batch is encoded."""
        other = torch.randint(self.n_batches, (len(z),), device=z.device)
        decoded = self.decode(z, library, other)
        again = self.encode(torch.log1p(decoded * (TARGET_SUM / library.clamp_min(1))), other)[0]
        return ((again - mean).square() / mean.var(0).detach().clamp_min(1e-3)).mean()

    def negative_log_likelihood(self, counts: SparseRows, z, mean, batch) -> torch.Tensor:
        """Summed over genes, (n_cells,)."""
        if self.likelihood == "nb":
            kind = batch if self.dispersion == "gene_batch" else None
            return likelihoods.negative_binomial_of_rows(counts, mean, self.theta(), kind)
        if self.likelihood == "zinb":
            return likelihoods.zero_inflated_nll(counts.dense(), mean, self.theta(batch), self.extra_zero(z)).sum(1)
        if self.likelihood == "poisson":
            return likelihoods.poisson_nll(counts.dense(), mean).sum(1)
        expected = torch.log1p(mean * (TARGET_SUM / counts.totals.clamp_min(1)))
        return likelihoods.gaussian_nll(counts.log_normalised(), expected, self.log_variance(batch)).sum(1)

    def posterior_mean(self, counts: SparseRows, batch: torch.Tensor) -> torch.Tensor:
        """(n, latent_dim): the embedding."""
        return self.encode(counts.log_normalised(), batch)[0]

    def _encode_profiles(self, profiles: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.encode(profiles, torch.zeros(len(profiles), dtype=torch.int64, device=profiles.device))


def fit(
    data: Dataset,
    *,
    seed: int,
    device: str,
    architecture: dict,
    beta: float,
    cycle_weight: float = 0.0,
    epochs: int | None,
    max_steps: int,
    batch_size: int,
    **training,
) -> Embedding:
    """Train a `CountVae` on all cells of `data` and return the posterior means, (n_cells, latent_dim).

    Parameters
    ----------
    architecture
        Arguments of `CountVae` but for the numbers of genes and batches.
    beta
        Final weight of the KL term: 0 in the first tenth of training, then rising linearly until its half. It refers to
        a reconstruction summed over genes and a divergence summed over latent dimensions. Any weight from the first
        step on, however small, outruns a weak biological signal: Adam goes by the direction of a gradient, not its
        size, and the divergence pulls the same way at every step.
    cycle_weight
        Weight of the cycle term, which sets in after a tenth of training; 0: it is not computed.
    epochs
        None: as many as make about `max_steps` steps, at most 400 and at least 20.
    training
        Further arguments of `train`.
    """
    seed_torch(seed)
    architecture = {"n_genes": data.X.shape[1], "n_batches": len(data.batch_names), **architecture}
    model = CountVae(**architecture, cycle=cycle_weight > 0)
    model.start_at(data.X)
    model.to(device)
    cells = Cells(device, {"counts": data.X, "batch": data.batch})

    def weights(progress: float) -> dict[str, float]:
        return {
            "reconstruction": 1.0,
            "kl": beta * min(1.0, max(0.0, (progress - 0.1) / 0.4)),
            "cycle": cycle_weight * (progress >= 0.1),
        }

    history = train(
        model,
        cells,
        weights=weights,
        epochs=epochs or automatic_epochs(data.n_cells, batch_size, max_steps),
        batch_size=batch_size,
        seed=seed,
        checkpoint=data.checkpoint,
        **training,
    )
    model.eval()
    state = {"architecture": architecture, "weights": model.state_dict()}
    return Embedding(X=apply(model.posterior_mean, cells), history=history, model=state)
