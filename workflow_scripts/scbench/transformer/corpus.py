"""Pretraining of one trunk on several datasets, by masked reconstruction of the genes that each of them has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from scbench.neural.cells import Cells, CountRows, Counts
from scbench.neural.fit import Model, state_of
from scbench.neural.training import Sampler, train
from scbench.seeding import seed_torch
from scbench.transformer.parameters import CorpusParameters
from scbench.transformer.pretraining import choose_genes, mean_and_sd, reconstruct
from scbench.transformer.trunk import TRUNKS
from scbench.types import Checkpoint, Dataset

MAX_CELLS = 2000  # of a dataset in an epoch, so that large ones do not dominate


class Corpus(Model[CorpusParameters]):
    """A trunk over the genes of all datasets; a minibatch holds cells of one dataset, and shows it genes of that one.

    Parameters
    ----------
    genes
        The genes of each dataset, as columns of the combined counts.
    n_genes
        Number of columns.
    """

    options_class = CorpusParameters
    mean: torch.Tensor
    sd: torch.Tensor

    def __init__(self, options: CorpusParameters, *, genes: Sequence[Sequence[int]], n_genes: int) -> None:
        super().__init__(options, genes=genes, n_genes=n_genes)
        self.genes = [torch.as_tensor(one) for one in genes]
        self.trunk = TRUNKS[options.attention](n_genes, options)
        self.register_buffer("mean", torch.zeros(len(genes), n_genes))
        self.register_buffer("sd", torch.ones(len(genes), n_genes))

    @torch.no_grad()
    def start_at(self, counts: Counts, dataset: np.ndarray) -> None:
        """Centre the input of the trunk on the mean cell of each dataset."""
        for place in range(len(self.genes)):
            self.mean[place], self.sd[place] = mean_and_sd(counts[dataset == place].log_normalised())

    def losses(self, counts: CountRows, dataset: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return {masked}; see `reconstruct`. All cells are of one dataset."""
        place = int(dataset[0])
        genes = self.genes[place].to(self.mean.device)
        values = counts.log_normalised()[:, genes] - self.mean[place, genes]
        order = torch.randperm(len(genes)).to(genes.device)
        return {"masked": reconstruct(self.trunk, values, genes, self.sd[place, genes], order)[1]}


def pretrain(
    datasets: Sequence[Dataset],
    options: CorpusParameters,
    *,
    seed: int,
    device: str,
    checkpoint: Checkpoint | None = None,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Pretrain a trunk on datasets; genes with the same upper-case symbol are the same.

    Returns
    -------
    The content of model.pt, with the symbols of the trunk in `genes`, and the history.
    """
    columns = [choose_genes(data, len(data.gene_names)) for data in datasets]
    symbols = [np.char.upper(data.gene_names[chosen]) for data, chosen in zip(datasets, columns, strict=True)]
    names = np.unique(np.concatenate(symbols))
    parts, genes = [], []
    for data, chosen, own in zip(datasets, columns, symbols, strict=True):
        first = np.unique(own, return_index=True)[1]  # of genes that differ only in case
        part = sparse.coo_matrix(data.X[:, chosen[first]])
        place = np.searchsorted(names, own[first])
        parts.append(sparse.csr_matrix((part.data, (part.row, place[part.col])), (data.n_cells, len(names))))
        genes.append(place.tolist())
    counts = Counts(sparse.vstack(parts, format="csr"), np.concatenate([data.scale for data in datasets]))
    dataset = np.repeat(np.arange(len(datasets)), [data.n_cells for data in datasets])
    seed_torch(seed)
    model = Corpus(options, genes=genes, n_genes=len(names))
    model.start_at(counts, dataset)
    steps = sum(math.ceil(min(data.n_cells, MAX_CELLS) / options.batch_size) for data in datasets)
    history = train(
        model.to(device),
        Cells(device, {"counts": counts, "dataset": dataset}),
        weights=lambda progress: {"masked": 1.0},
        epochs=options.epochs or math.ceil(options.max_steps / steps),
        learning_rate=options.learning_rate,
        average=options.average,
        sampler=_by_dataset(dataset, options.batch_size),
        cosine_from=0.5,
        seed=seed,
        checkpoint=checkpoint,
    )
    return state_of(model) | {"genes": names.tolist()}, history


def _by_dataset(dataset: np.ndarray, batch_size: int) -> Sampler:
    """Return a sampler of minibatches of one dataset each; per epoch, up to 2,000 random cells of each dataset."""
    cells = [np.flatnonzero(dataset == place) for place in np.unique(dataset)]

    def sample(rng: np.random.Generator) -> list[np.ndarray]:
        drawn = [rng.permutation(one)[:MAX_CELLS] for one in cells]
        minibatches = [part for one in drawn for part in np.array_split(one, math.ceil(len(one) / batch_size))]
        return [minibatches[place] for place in rng.permutation(len(minibatches))]

    return sample
