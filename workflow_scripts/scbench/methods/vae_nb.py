"""VAE_NB: a variational autoencoder of the counts with a negative binomial likelihood, blind to the batch.

Source: Lopez et al. 2018, doi 10.1038/s41592-018-0229-2, without the batch in the decoder: it shows what the likelihood
does by itself, and leaves batches apart where they differ.
"""

import torch
from torch import nn

from scbench.autoencoders.likelihoods import negative_binomial_nll
from scbench.autoencoders.networks import GaussianEncoder, MeanDecoder
from scbench.autoencoders.training import automatic_epochs, embed, train
from scbench.contracts import Dataset, Embedding
from scbench.seeding import seed_torch


class VaeNb(nn.Module):
    """Encoder to a Gaussian latent, decoder to the mean of a negative binomial, one dispersion per gene."""

    def __init__(self, n_genes: int, latent_dim: int, hidden: list[int], dropout: float) -> None:
        super().__init__()
        self.encoder = GaussianEncoder(n_genes, hidden, latent_dim, dropout)
        self.decoder = MeanDecoder(latent_dim, hidden[::-1], n_genes)
        self.log_theta = nn.Parameter(torch.zeros(n_genes))

    def losses(self, counts: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return {reconstruction, kl} of (n, n_genes) counts: summed over genes or latents, mean over cells; nats."""
        mean, log_variance = self.encoder(counts)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        mu = self.decoder(z, library=counts.sum(1, keepdim=True))
        theta = nn.functional.softplus(self.log_theta) + 1e-4
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        return {"reconstruction": negative_binomial_nll(counts, mu, theta).sum(1).mean(), "kl": kl.mean()}


def integrate(
    data: Dataset,
    *,
    seed: int,
    device: str,
    threads: int,
    latent_dim: int = 30,
    hidden: list = (128, 128),
    epochs: int | None = None,
    max_steps: int = 4000,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    beta: float = 1.0,
    dropout: float = 0.1,
) -> Embedding:
    """Train on all cells and return the posterior means, (n_cells, latent_dim).

    Parameters
    ----------
    hidden
        Widths of the encoder; the decoder mirrors them.
    epochs
        None: as many as make about `max_steps` steps, at most 400 and at least 20.
    beta
        Final weight of the KL term, reached linearly over the first half of training. It refers to a reconstruction
        summed over genes.
    """
    seed_torch(seed)
    model = VaeNb(data.X.shape[1], latent_dim, list(hidden), dropout).to(device)
    epochs = epochs or automatic_epochs(data.n_cells, batch_size, max_steps)
    history = train(
        model,
        data.X,
        weights=lambda progress: {"reconstruction": 1.0, "kl": beta * min(1.0, 2 * progress)},
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
    )
    return Embedding(X=embed(model.encoder, data.X), history=history, model=model.state_dict())
