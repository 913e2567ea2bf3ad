"""Transfer of a trunk to another dataset; genes are matched by upper-case symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from scbench.neural.cells import Cells, Counts
from scbench.neural.training import apply
from scbench.transformer.parameters import TrunkParameters
from scbench.transformer.pretraining import CHUNK, Pretraining

PREFIX = "trunk."
OF_GENES = ("given", "learned")  # weights of the trunk with one row per gene
SIZES = ("width", "attention", "n_latents", "n_heads", "depth", "position")  # parameters that the weights depend on
LEAST_SHARED_GENES = 10

P = TypeVar("P", bound=TrunkParameters)


def places(genes: Sequence[str] | np.ndarray) -> dict[str, int]:
    """Return {upper-case symbol: its first place} of the symbols of genes."""
    return {symbol.upper(): place for place, symbol in reversed(list(enumerate(genes)))}


def with_sizes_of(options: P, state: Mapping[str, Any]) -> P:
    """Return the parameters with the sizes of the trunk of model.pt."""
    return replace(options, **{name: state["parameters"][name] for name in SIZES})


def start_from(model: Pretraining, state: Mapping[str, Any], genes: np.ndarray, counts: Counts) -> None:
    """Give a model the trunk of model.pt; the normalisation statistics of the trunk are computed from the new cells.

    Parameters
    ----------
    genes, counts
        (n_genes,) symbols and counts (n_cells, n_genes) of the dataset of the model.

    Raises
    ------
    ValueError
        If the model has fewer than 10 genes.
    """
    rows, chosen = places(state["genes"]), [symbol.upper() for symbol in genes[model.columns.numpy()]]
    if len(chosen) < LEAST_SHARED_GENES:
        raise ValueError(f"the trunk and the dataset share {len(chosen)} genes, {LEAST_SHARED_GENES} are needed")
    shared = [rows[symbol] for symbol in chosen]
    weights = {name.removeprefix(PREFIX): w for name, w in state["weights"].items() if name.startswith(PREFIX)}
    model.trunk.load_state_dict({name: w[shared] if name in OF_GENES else w for name, w in weights.items()})
    _normalise(model, counts)


def transfer(state: Mapping[str, Any], genes: np.ndarray, counts: Counts) -> Pretraining:
    """Transfer the trunk of model.pt to another dataset, for use without training; see `start_from`.

    Genes missing in either dataset are left out.
    """
    place = places(genes)
    columns = [place[symbol] for symbol in dict.fromkeys(map(str.upper, state["genes"])) if symbol in place]
    of_trunk = {one.name for one in fields(TrunkParameters)}
    options = TrunkParameters(**{name: value for name, value in state["parameters"].items() if name in of_trunk})
    return transferred(options, columns, state, genes, counts)


def transferred(
    options: TrunkParameters, columns: Sequence[int], state: Mapping[str, Any], genes: np.ndarray, counts: Counts
) -> Pretraining:
    """Return the trunk of model.pt for these columns of a dataset, in evaluation mode; see `start_from`."""
    model = Pretraining(options, columns)
    model.start_at(counts)
    start_from(model, state, genes, counts)
    return model.eval()


@torch.no_grad()
def _normalise(model: Pretraining, counts: Counts) -> None:
    """Compute the statistics of batch normalisation from all cells."""
    model.eval()
    norms = [module for module in model.trunk.modules() if isinstance(module, nn.BatchNorm1d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # None: cumulative average over the following batches
        norm.train()
    apply(
        lambda counts: model.trunk.cell(model.values(counts), model.all_genes), Cells("cpu", {"counts": counts}), CHUNK
    )
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
