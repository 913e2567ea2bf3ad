"""The variational autoencoder of counts behind VAE_NB, CVAE_NB and their variants."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from scbench.autoencoders.parameters import CountVaeParameters
from scbench.graphs.shared_clusters import shared_clusters
from scbench.neural import likelihoods
from scbench.neural.cells import CountRows, Counts
from scbench.neural.discrepancy import cycle_distance, distance_within_clusters
from scbench.neural.fit import Model
from scbench.neural.fit import fit as neural_fit
from scbench.neural.networks import GaussianEncoder, MeanDecoder, in_evaluation_mode, one_hot
from scbench.neural.priors import ConditionalNormal, GaussianMixture, Prior, StandardNormal, VampPrior
from scbench.neural.schedules import WARM_UP, weights_at
from scbench.types import Dataset, Embedding

FIRST_DISPERSION = (0.3, 10.0)  # range of the dispersions with which training starts


class CountVae(Model[CountVaeParameters]):
    """Variational autoencoder of counts: a Gaussian latent, a batch-conditioned decoder to mean counts, and a prior."""

    options_class = CountVaeParameters
    scaled_total: torch.Tensor  # sum of the scaled counts of a cell, mean over cells

    def __init__(self, options: CountVaeParameters, *, n_genes: int, n_batches: int, n_clusters: int = 1) -> None:
        super().__init__(options, n_genes=n_genes, n_batches=n_batches, n_clusters=n_clusters)
        p, self.n_genes, self.n_batches, self.n_clusters = options, n_genes, n_batches, n_clusters
        self.latent_dim = p.latent_dim
        width = {"none": 0, "one_hot": n_batches, "embedding": p.condition_dim}[p.condition]
        self.batch_embedding = nn.Embedding(n_batches, p.condition_dim) if p.condition == "embedding" else None
        self.encoder = GaussianEncoder(
            n_genes,
            p.hidden,
            p.latent_dim,
            norm=p.encoder_norm,
            activation=p.activation,
            dropout=p.dropout,
            condition_dim=width if p.condition_encoder else 0,
            n_batches=n_batches,
        )
        self.decoder = MeanDecoder(
            p.latent_dim,
            p.hidden[::-1],
            n_genes,
            size_factor=p.size_factor,
            condition_dim=width,
            norm=p.decoder_norm,
            activation=p.activation,
            n_batches=n_batches,
        )
        shape = (n_batches if p.dispersion == "gene_batch" else 1, n_genes)
        if p.likelihood != "poisson":
            self.log_theta = nn.Parameter(torch.zeros(shape))  # of a Gaussian: the log variance
        if p.likelihood == "zinb":
            self.extra_zero = nn.Linear(p.latent_dim + width, n_genes)
        self.prior = _prior(p, n_genes, n_batches)
        self.register_buffer("scaled_total", torch.ones(()))

    def prior_sample(self, n: int, batch: torch.Tensor) -> torch.Tensor:
        """Draw n latents (n, latent_dim) from the prior for cells of the given batches (n,)."""
        return self._connected_prior().sample(n, batch)

    def _connected_prior(self) -> Prior:
        if isinstance(self.prior, VampPrior):
            self.prior.encode = self._encode_profiles
        return self.prior

    @torch.no_grad()
    def start_at(self, counts: Counts) -> None:
        """Centre the encoder on the mean cell; start the decoder at its shares of the genes and at their dispersions.

        Without this, what all cells have in common hides the differences between them for the first thousand steps.
        """
        self.scaled_total.fill_(counts.mean_total())
        mean = torch.from_numpy(counts.log_means()).float()
        first = self.encoder.trunk.linear[0]
        assert isinstance(first, nn.Linear)
        first.bias.copy_(-first.weight[:, : self.n_genes] @ mean)
        self.decoder.to_genes.bias.copy_(torch.log(torch.from_numpy(counts.shares()).float() + 1e-8))
        if self.options.likelihood in ("nb", "zinb"):
            theta = torch.from_numpy(counts.dispersions().clip(*FIRST_DISPERSION)).float()
            self.log_theta.copy_(likelihoods.free_dispersion(theta).expand_as(self.log_theta))

    def code(self, batch: torch.Tensor) -> torch.Tensor | None:
        """Return the condition (n, width) of batch codes (n,)."""
        if self.options.condition == "none":
            return None
        if self.batch_embedding is not None:
            return self.batch_embedding(batch)
        return one_hot(batch, self.n_batches)

    def encode(self, expression: torch.Tensor, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return posterior mean and log variance, each (n, latent_dim), of log-normalised expression (n, n_genes)."""
        return self.encoder(expression, self.code(batch) if self.options.condition_encoder else None, batch)

    def decode(self, z: torch.Tensor, library: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """Return mean counts (n, n_genes) of latents (n, latent_dim), given batch (n,) and library size (n, 1)."""
        return self.decoder(z, library, self.code(batch), batch)

    def theta(self, batch: torch.Tensor | None = None) -> torch.Tensor:
        """Return dispersions (1 or n_batches, n_genes), or with `batch` the dispersions of each cell."""
        theta = likelihoods.dispersion(self.log_theta)
        return theta if batch is None or len(theta) == 1 else theta[batch]

    def extra_zero_logits(self, z: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """Return the logits of extra zeros (n, n_genes) of the zero-inflated likelihood."""
        code = self.code(batch)
        return self.extra_zero(z if code is None else torch.cat([z, code], dim=1))

    def log_variance(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the log variances (1 or n_cells, n_genes) of the Gaussian likelihood."""
        table = self.log_theta.clamp(-8, 4)
        return table if len(table) == 1 else table[batch]

    def losses(
        self, counts: CountRows, batch: torch.Tensor, cluster: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Return {reconstruction, kl} in nats: sums over genes or latent dimensions, means over cells.

        With clusters shared by batches, also {mmd}, the `distance_within_clusters`; with a cycle term, also {cycle}.
        """
        mean, log_variance = self.encode(counts.log_normalised(), batch)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean) if self.training else mean
        kl = self._connected_prior().kl(mean, log_variance, z, batch).mean(0)
        floor = self.options.free_bits * self.latent_dim / len(kl)
        reconstruction = self.negative_log_likelihood(counts, z, self.decode(z, counts.totals, batch), batch)
        terms = {"reconstruction": reconstruction.mean(), "kl": (kl.clamp_min(floor) if floor else kl).sum()}
        if cluster is not None:
            terms["mmd"] = distance_within_clusters(mean, batch, cluster, self.n_batches, self.n_clusters)
        if self.options.cycle_weight > 0:
            terms["cycle"] = self._cycle(mean, z, counts)
        return terms

    def _cycle(self, mean: torch.Tensor, z: torch.Tensor, counts: CountRows) -> torch.Tensor:
        """Return the distance between the latents of cells before and after decoding them under another batch."""
        other = torch.randint(self.n_batches, (len(z),), device=z.device)
        with in_evaluation_mode(self.encoder, self.decoder):
            decoded = self.decode(z, counts.totals, other)
            again = self.encode(torch.log1p(decoded * counts.scale), other)[0]
        return cycle_distance(again, mean)

    def negative_log_likelihood(self, counts: CountRows, z, mean, batch) -> torch.Tensor:
        """Return the negative log-likelihood summed over genes, (n_cells,)."""
        if self.options.likelihood == "nb":
            kind = batch if self.options.dispersion == "gene_batch" else None
            return likelihoods.negative_binomial_of_rows(counts, mean, self.theta(), kind)
        if self.options.likelihood == "zinb":
            logits = self.extra_zero_logits(z, batch)
            return likelihoods.zero_inflated_nll(counts.dense(), mean, self.theta(batch), logits).sum(1)
        if self.options.likelihood == "poisson":
            return likelihoods.poisson_nll(counts.dense(), mean).sum(1)
        expected = torch.log1p(mean * counts.scale)
        return likelihoods.gaussian_nll(counts.log_normalised(), expected, self.log_variance(batch)).sum(1)

    def embed(self, counts: CountRows, batch: torch.Tensor, **_) -> torch.Tensor:
        """Return the embedding, (n, latent_dim)."""
        return self.encode(counts.log_normalised(), batch)[0]

    def _encode_profiles(self, profiles: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with in_evaluation_mode(self.encoder):
            return self.encode(profiles, torch.zeros(len(profiles), dtype=torch.int64, device=profiles.device))


def fit(data: Dataset, options: CountVaeParameters, *, seed: int, device: str) -> Embedding:
    """Train a `CountVae` on all cells of `data` and return the posterior means, (n_cells, latent_dim)."""

    counts = Counts.of(data)
    cluster = shared_clusters(data.pca, data.batch, seed=seed) if options.mmd else None
    n_clusters = 1 if cluster is None else int(cluster.max()) + 1

    def make() -> CountVae:
        sizes = {"n_genes": data.X.shape[1], "n_batches": len(data.batch_names), "n_clusters": n_clusters}
        model = CountVae(options, **sizes)
        model.start_at(counts)
        return model

    assert options.beta is not None
    terms = {
        "reconstruction": (1.0, 0.0, 0.0),
        "kl": (options.beta, *WARM_UP),
        "mmd": (options.mmd, *WARM_UP),
        "cycle": (options.cycle_weight, WARM_UP[0], WARM_UP[0]),
    }
    return neural_fit(
        data,
        make,
        options,
        columns={"counts": counts, "batch": data.batch} | ({} if cluster is None else {"cluster": cluster}),
        weights=partial(weights_at, terms),
        seed=seed,
        device=device,
        cosine_from=0.5,
    )


def _prior(p: CountVaeParameters, n_genes: int, n_batches: int) -> Prior:
    if p.prior == "mog":
        return GaussianMixture(p.latent_dim, p.n_components)
    if p.prior == "vamp":
        return VampPrior(0.1 * torch.rand(p.n_components, n_genes))
    if p.prior == "conditional":
        return ConditionalNormal(p.latent_dim, n_batches, p.pull)
    return StandardNormal(p.latent_dim)
