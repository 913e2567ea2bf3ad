"""From a dataset to an embedding: how every neural model is trained, written down and read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import nn

from scbench.neural import automatic
from scbench.neural.cells import Cells
from scbench.neural.parameters import MinibatchParameters, TrainingParameters
from scbench.neural.training import CHUNK, apply, train
from scbench.parameters import Parameters
from scbench.seeding import seed_torch
from scbench.types import Dataset, Embedding

Stage = Callable[[Any, Cells, int], list[pd.DataFrame]]
P = TypeVar("P", bound=Parameters)
M = TypeVar("M", bound="Model")


class Model(nn.Module, Generic[P]):
    """Base of the networks that make embeddings.

    Parameters
    ----------
    options
        Parameters of the method, of the class `options_class` or one that narrows it.
    sizes
        What depends on the data: plain values by the names of the arguments of the network.
    """

    options_class: type[Parameters]

    def __init__(self, options: P, **sizes: Any) -> None:
        super().__init__()
        self.options, self.sizes = options, sizes

    def embed(self, *args: Any, **columns: Any) -> torch.Tensor:
        """The embedding, (n, n_dims), of the cells of a minibatch, given the columns of `Cells`."""
        raise NotImplementedError


def fit(
    data: Dataset,
    make: Callable[[], Model],
    options: MinibatchParameters,
    *,
    columns: Mapping[str, sparse.csr_matrix | np.ndarray],
    weights: Callable[[float], dict[str, float]],
    seed: int,
    device: str,
    first: Stage | None = None,
    last: Callable[[Any, Cells, int], tuple[list[pd.DataFrame], np.ndarray | None]] | None = None,
    chunk: int = CHUNK,
    **training: Any,
) -> Embedding:
    """Train a model on all cells of `data` and return their embedding.

    Parameters
    ----------
    make
        Builds the model, ready to be trained, after torch was seeded.
    options
        Their `epochs` may be None: as many as make about `max_steps` steps.
    columns
        Of `Cells`, one row per cell: what `losses` and `embed` of the model are called with.
    weights, training
        Further arguments of `scbench.neural.training.train`.
    first, last
        Stages before and after: from model, cells and epochs to histories; `last` also returns clusters of the cells.
    chunk
        Cells embedded at a time.
    """
    seed_torch(seed)
    model = make().to(device)
    cells = Cells(device, columns)
    epochs = options.epochs
    if epochs is None and isinstance(options, TrainingParameters) and options.max_steps is not None:
        epochs = automatic.epochs(data.n_cells, options.batch_size, options.max_steps)
    if epochs is None:
        raise ValueError("epochs: give their number, or max_steps")
    histories = first(model, cells, epochs) if first else []
    settings = {**options.training(), **training}
    histories.append(
        train(model, cells, weights=weights, epochs=epochs, seed=seed, checkpoint=data.checkpoint, **settings)
    )
    more, cluster = last(model, cells, epochs) if last else ([], None)
    history = _joined([*histories, *more])
    model.eval()
    return Embedding(X=apply(model.embed, cells, chunk), cluster=cluster, history=history, model=state_of(model))


def state_of(model: Model) -> dict[str, Any]:
    """What model.pt holds: the name of the network, its sizes, its parameters, its weights."""
    described = {"kind": type(model).__name__, "sizes": model.sizes, "parameters": asdict(model.options)}
    return described | {"weights": model.state_dict()}


def load(state: Mapping[str, Any], *kinds: type[M]) -> M:
    """Rebuild a model from the content of model.pt, in evaluation mode.

    Parameters
    ----------
    kinds
        The networks that it may be.

    Raises
    ------
    ValueError
        When it holds another network.
    """
    known = {kind.__name__: kind for kind in kinds}
    if state.get("kind") not in known:
        raise ValueError(f"the model is a {state.get('kind')}, not one of: {', '.join(known)}")
    kind = known[state["kind"]]
    model = kind(kind.options_class(**state["parameters"]), **state["sizes"])
    model.load_state_dict(state["weights"])
    return model.eval()


def _joined(histories: list[pd.DataFrame]) -> pd.DataFrame:
    """One history after another, the epochs counted through."""
    starts = np.cumsum([0, *(one["epoch"].max() + 1 for one in histories)])
    later = [one.assign(epoch=one["epoch"] + start) for one, start in zip(histories, starts, strict=False)]
    return pd.concat(later, ignore_index=True)
