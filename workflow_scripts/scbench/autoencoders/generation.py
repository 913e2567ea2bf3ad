"""Generate data with a trained `CountVae`: new cells, cells translated to another batch, corrected expression.

`scbench.neural.fit.load(read_model("model.pt"), CountVae)` loads the model of a finished run. Counts must have the
genes of the dataset in its order; batches are codes into its batch names. All results are on the CPU.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse

from scbench.autoencoders.count_vae import CountVae
from scbench.neural.cells import Cells, Counts
from scbench.neural.training import apply
from scbench.seeding import generator


@torch.no_grad()
def sample(model: CountVae, n: int, *, batch: int, library: float, seed: int) -> sparse.csr_matrix:
    """Draw `n` new cells of a batch with the given mean library size: z from the prior, counts from the likelihood.

    Returns
    -------
    (n, n_genes) CSR int32 counts; with a Gaussian likelihood, log-normalised values are converted back to counts.

    Raises
    ------
    ValueError
        If the model does not know the batch.
    """
    codes = _codes(model, batch, n)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(seed, "new cells").integers(2**31)))
        z = model.prior_sample(n, codes)
        mean = model.decode(z, torch.full((n, 1), float(library)), codes)
        if model.options.likelihood in ("nb", "zinb"):
            theta = model.theta(codes)
            mean = torch.distributions.Gamma(theta.expand_as(mean), theta / mean.clamp_min(1e-8)).sample()
        if model.options.likelihood == "zinb":
            mean = mean * (torch.rand_like(mean) >= torch.sigmoid(model.extra_zero_logits(z, codes)))
        if model.options.likelihood == "gaussian":
            scale = library / model.scaled_total
            noise = torch.exp(0.5 * model.log_variance(codes)) * torch.randn_like(mean)
            mean = torch.expm1((torch.log1p(mean / scale) + noise).clamp_min(0)) * scale
            return sparse.csr_matrix(mean.round().numpy().astype(np.int32))
        return sparse.csr_matrix(torch.poisson(mean).numpy().astype(np.int32))


def translate(model: CountVae, counts: Counts, batch: np.ndarray, *, to_batch: int) -> np.ndarray:
    """Return mean counts (n_cells, n_genes) of the same cells, with their library sizes, as if from `to_batch`."""
    codes = _codes(model, to_batch, counts.shape[0])

    def decode(counts, batch, to):
        return model.decode(model.embed(counts, batch), counts.totals, to)

    return apply(decode, Cells("cpu", {"counts": counts, "batch": batch, "to": codes.numpy()}))


@torch.no_grad()
def interpolate(model: CountVae, counts: Counts, batch: np.ndarray, *, n_points: int, in_batch: int) -> np.ndarray:
    """Decode points on the straight latent line between two cells, `counts` (2, n_genes), in one batch.

    Returns
    -------
    (n_points, n_genes) normalised means; the first and last point are the two cells decoded in `in_batch`.
    """

    def place(counts, batch):
        return torch.cat([model.embed(counts, batch), counts.totals * counts.scale], dim=1)

    ends = torch.from_numpy(apply(place, Cells("cpu", {"counts": counts, "batch": batch})))
    line = torch.lerp(ends[0], ends[1], torch.linspace(0, 1, n_points)[:, None])
    return model.decode(line[:, :-1], line[:, -1:], _codes(model, in_batch, n_points)).numpy()


def corrected_expression(model: CountVae, counts: Counts, batch: np.ndarray) -> np.ndarray:
    """Return denoised expression without batch effects: the mean of a cell's decoded expression over all batches.

    Returns
    -------
    (n_cells, n_genes) log1p of normalised means.
    """

    def decode(counts, batch):
        z, library = model.embed(counts, batch), counts.totals * counts.scale
        shown = [model.decode(z, library, torch.full_like(batch, code)) for code in range(model.n_batches)]
        return torch.log1p(torch.stack(shown).mean(0))

    return apply(decode, Cells("cpu", {"counts": counts, "batch": batch}))


def _codes(model: CountVae, batch: int, n: int) -> torch.Tensor:
    if not 0 <= batch < model.n_batches:
        raise ValueError(f"batch {batch} is unknown: the model was trained on the codes 0 to {model.n_batches - 1}")
    return torch.full((n,), batch, dtype=torch.int64)
