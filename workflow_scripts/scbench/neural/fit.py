"""From a dataset to an embedding: train, save and load neural models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from scbench.neural import automatic
from scbench.neural.cells import Cells, Column
from scbench.neural.parameters import MinibatchParameters, TrainingParameters
from scbench.neural.training import CHUNK, apply, train
from scbench.parameters import Parameters
from scbench.seeding import seed_torch
from scbench.types import Dataset, Embedding

Stage = Callable[[Any, Cells, int], list[pd.DataFrame]]
P = TypeVar("P", bound=Parameters)
M = TypeVar("M", bound="Model")


class Model(nn.Module, Generic[P]):
    """Base class of the networks that compute embeddings.

    Parameters
    ----------
    options
        Parameters of the method, of the class `options_class` or a subclass.
    sizes
        Sizes that depend on the data, as plain values by argument name of the network.
    """

    options_class: type[Parameters]

    def __init__(self, options: P, **sizes: Any) -> None:
        super().__init__()
        self.options, self.sizes = options, sizes

    def embed(self, *args: Any, **columns: Any) -> torch.Tensor:
        """Return the embedding (n, n_dims) of a minibatch, given the columns of `Cells`."""
        raise NotImplementedError


def fit(
    data: Dataset,
    make: Callable[[], Model],
    options: MinibatchParameters,
    *,
    columns: Mapping[str, Column],
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
        Builds the model for training; called after torch is seeded.
    options
        Training parameters; if `epochs` is None, the number of epochs gives about `max_steps` steps.
    columns
        Columns of `Cells`, one row per cell: the arguments of `losses` and `embed` of the model.
    weights, training
        Further arguments of `scbench.neural.training.train`.
    first, last
        Stages before and after the main training. They receive model, cells and epochs and return histories; `last`
        also returns clusters of the cells.
    chunk
        Number of cells embedded at a time.
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
    """Return the content of model.pt: the name of the network, its sizes, its parameters and its weights."""
    described = {"kind": type(model).__name__, "sizes": model.sizes, "parameters": asdict(model.options)}
    return described | {"weights": model.state_dict()}


def load(state: Mapping[str, Any], *kinds: type[M]) -> M:
    """Rebuild a model from the content of model.pt, in evaluation mode.

    Parameters
    ----------
    kinds
        The accepted networks.

    Raises
    ------
    ValueError
        If it holds another network.
    """
    known = {kind.__name__: kind for kind in kinds}
    if state.get("kind") not in known:
        raise ValueError(f"the model is a {state.get('kind')}, not one of: {', '.join(known)}")
    kind = known[state["kind"]]
    model = kind(kind.options_class(**state["parameters"]), **state["sizes"])
    model.load_state_dict(state["weights"])
    return model.eval()


def _joined(histories: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate histories and number the epochs consecutively."""
    starts = np.cumsum([0, *(one["epoch"].max() + 1 for one in histories)])
    later = [one.assign(epoch=one["epoch"] + start) for one, start in zip(histories, starts, strict=False)]
    return pd.concat(later, ignore_index=True)
