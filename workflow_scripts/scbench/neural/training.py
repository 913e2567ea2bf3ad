"""Training loop of all neural methods: minibatches from `Cells`, a weighted sum of named loss terms, a history."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

import numpy as np
import pandas as pd
import torch
from torch import nn

from scbench.integrity import atomic, whole
from scbench.neural.cells import Cells
from scbench.neural.progress import Progress
from scbench.seeding import generator
from scbench.types import HISTORY_COLUMNS, Checkpoint

CHUNK = 2048  # cells per forward pass outside training
Sampler = Callable[[np.random.Generator], list[np.ndarray]]


class _State(TypedDict):
    """State of a training: finished epochs, history, and the best weights with their loss, epoch and term weights."""

    epoch: int
    rows: list[tuple[int, str, float]]
    best: float
    best_epoch: int
    best_weights: dict[str, torch.Tensor] | None
    weights: NotRequired[dict[str, float]]


class TrainingError(RuntimeError):
    """Training has failed; the message names the epoch, the term and the likely cause."""


def shuffled(cells: np.ndarray, batch_size: int) -> Sampler:
    """Return a sampler of all `cells` once per epoch in random order, in minibatches of (nearly) equal size."""
    n_minibatches = math.ceil(len(cells) / batch_size)
    return lambda rng: np.array_split(rng.permutation(cells), n_minibatches)


def train(model: nn.Module, cells: Cells, **options: Any) -> pd.DataFrame:
    """Minimise the weighted sum of `model.losses(**minibatch)` with Adam and return the history.

    Parameters
    ----------
    options
        Further attributes of `Training`.

    Returns
    -------
    Table with the columns epoch, term, value: the mean of each unweighted term over the cells of the epoch.

    Raises
    ------
    TrainingError
        If a loss term is not finite or has exploded.
    """
    return Training(model, cells, **options).run()


@dataclass(kw_only=True)
class Training:
    """Training of one model.

    Attributes
    ----------
    model
        Module on the device of `cells` with a method `losses(**columns)`, called with the columns of a minibatch, that
        returns {term: scalar}, each a mean over cells.
    weights
        Function from the training progress in [0, 1) to the weight of each term; a term without a weight is only
        recorded.
    weight_decay
        Weight decay of Adam, added to the gradient. Use 0 if a loss can be exactly 0, because Adam would then shrink
        the weights fast.
    sampler
        Function that draws the minibatches of an epoch; None: `shuffled` with `batch_size`.
    cosine_from
        Progress from which the learning rate falls to 0 along a cosine; 1: constant learning rate.
    average
        Decay per step of an exponential moving average of the weights, which replaces them after training; 0: no
        average.
    held_out
        Fraction of the cells held out of training. Training stops when their loss has not decreased for `patience`
        epochs, and the weights of the best epoch are kept; their terms are recorded as held_out_<term>.
    checkpoint
        File to resume from if it exists, written every `checkpoint_seconds` and at the end; the caller removes it.
    """

    model: nn.Module = field(kw_only=False)
    cells: Cells = field(kw_only=False)
    weights: Callable[[float], dict[str, float]]
    epochs: int
    learning_rate: float
    seed: int
    batch_size: int = 128
    weight_decay: float = 1e-6
    sampler: Sampler | None = None
    cosine_from: float = 1.0
    average: float = 0.0
    held_out: float = 0.0
    patience: int = 30
    checkpoint: Checkpoint | None = None
    checkpoint_seconds: float = 60.0

    def run(self) -> pd.DataFrame:
        """Train the model and return the history; see `train`."""
        rng = generator(self.seed, "minibatches")
        kept, validation = _split(self.cells.n_cells, self.held_out, self.seed)
        sampler = self.sampler or shuffled(kept, self.batch_size)
        optimiser = torch.optim.Adam(
            self.model.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        averaged = _Average(self.model, self.average)
        state: _State = {"epoch": 0, "rows": [], "best": math.inf, "best_epoch": 0, "best_weights": None}
        state = self._resumed(optimiser, averaged, rng) or state
        saved = time.monotonic()
        with Progress(self.epochs, state["epoch"]) as report:
            for epoch in range(state["epoch"], self.epochs):
                weights = self.weights(epoch / self.epochs)
                optimiser.param_groups[0]["lr"] = self.learning_rate * _cosine(epoch / self.epochs, self.cosine_from)
                sums = _epoch(self.model, self.cells, sampler(rng), optimiser, averaged, weights)
                if len(validation):
                    sums |= _held_out(self.model, self.cells, validation, self.batch_size)
                terms = {name: float(value) for name, value in sums.items()}
                _check(terms, epoch, state["rows"])
                state["rows"] += [(epoch, name, value) for name, value in terms.items()]
                state["epoch"] = epoch + 1
                report(epoch, terms)
                if len(validation) and _has_stalled(state, self.model, terms, weights, self.patience):
                    print(f"stopped after epoch {epoch}: best was epoch {state['best_epoch']}", flush=True)
                    break
                if self.checkpoint is not None and time.monotonic() - saved >= self.checkpoint_seconds:
                    _save(self.checkpoint, state, self.model, optimiser, averaged, rng)
                    saved = time.monotonic()
        if self.checkpoint is not None:
            state["epoch"] = self.epochs  # training that has stopped early is finished, too
            _save(self.checkpoint, state, self.model, optimiser, averaged, rng)
        if state["best_weights"] is not None:
            self.model.load_state_dict(state["best_weights"])
        else:
            averaged.hand_over(self.model)
        return pd.DataFrame(state["rows"], columns=HISTORY_COLUMNS)

    def _resumed(self, optimiser, averaged: _Average, rng: np.random.Generator) -> _State | None:
        """Restore the state of the checkpoint and return it, or None if there is no usable checkpoint of this run."""
        if self.checkpoint is None or not self.checkpoint.path.exists():
            return None
        start = copy.deepcopy(_content(self.checkpoint, {}, self.model, optimiser, averaged, rng))
        try:
            state = _resume(self.checkpoint, self.model, optimiser, averaged, rng)
        except Exception as error:
            print(f"discarded a damaged checkpoint; the training starts anew ({error})", flush=True)
            _restore(start, self.model, optimiser, averaged, rng)
            return None
        print(f"resumed after epoch {state['epoch']}" if state else "the checkpoint is of another run", flush=True)
        return state


@torch.no_grad()
def apply(function: Callable[..., torch.Tensor], cells: Cells, chunk: int = CHUNK) -> np.ndarray:
    """Apply `function(**columns)` to all cells in order, in chunks, and return (n_cells, ...) float32."""
    chunks = np.array_split(np.arange(cells.n_cells), math.ceil(cells.n_cells / chunk))
    return np.concatenate([function(**cells.take(chosen)).float().cpu().numpy() for chosen in chunks])


def _epoch(model, cells: Cells, minibatches, optimiser, averaged, weights) -> dict[str, torch.Tensor]:
    """Train for one epoch; the sums of the terms stay on the device to avoid synchronisation within an epoch."""
    model.train()
    sums: dict[str, torch.Tensor] = {}
    n = sum(map(len, minibatches))
    for chosen in minibatches:
        terms = model.losses(**cells.take(chosen))
        optimiser.zero_grad(set_to_none=True)
        sum(weights[name] * value for name, value in terms.items() if weights.get(name)).backward()
        optimiser.step()
        averaged.update(model)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + value.detach() * (len(chosen) / n)
    return sums


@torch.no_grad()
def _held_out(model, cells: Cells, validation: np.ndarray, batch_size: int) -> dict[str, torch.Tensor]:
    model.eval()
    sums: dict[str, torch.Tensor] = {}
    for chosen in np.array_split(validation, math.ceil(len(validation) / batch_size)):
        for name, value in model.losses(**cells.take(chosen)).items():
            key = f"held_out_{name}"
            sums[key] = sums.get(key, 0.0) + value * (len(chosen) / len(validation))
    return sums


def _has_stalled(state: _State, model: nn.Module, terms: dict, weights: dict, patience: int) -> bool:
    """Keep the best weights so far and return whether the held-out loss has not decreased for `patience` epochs.

    The best loss is reset whenever the term weights change, because the loss rises with a rising weight.
    """
    loss = sum(weight * terms.get(f"held_out_{name}", 0.0) for name, weight in weights.items())
    if state.get("weights") != weights or loss < state["best"]:
        state |= {"best": loss, "best_epoch": state["epoch"] - 1, "weights": dict(weights)}
        state["best_weights"] = {name: value.detach().clone() for name, value in model.state_dict().items()}
    return state["epoch"] - 1 - state["best_epoch"] >= patience


def _check(terms: dict[str, float], epoch: int, rows: list[tuple]) -> None:
    for name, value in terms.items():
        if not math.isfinite(value):
            cause = "lower learning_rate, or look for cells with extreme counts"
            raise TrainingError(f"epoch {epoch}: the loss term '{name}' is {value}; {cause}")
        lowest = min((abs(earlier) for _, term, earlier in rows if term == name), default=abs(value))
        if abs(value) > 1e3 * (lowest + 10):
            problem = f"the loss term '{name}' has exploded to {value:.3g}"
            raise TrainingError(f"epoch {epoch}: {problem}; lower learning_rate")


class _Average:
    """Exponential moving average of the floating-point parameters and buffers of a model."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.tensors = [t.detach().clone() for t in self._of(model)] if decay else []

    @staticmethod
    def _of(model: nn.Module) -> list[torch.Tensor]:
        return [t for t in model.state_dict(keep_vars=True).values() if t.is_floating_point()]

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        if self.decay:
            self.steps += 1
            # faster decay at the start, so that the random initialisation does not contribute to the average
            share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
            torch._foreach_lerp_(self.tensors, [t.detach() for t in self._of(model)], share)

    @torch.no_grad()
    def hand_over(self, model: nn.Module) -> None:
        for mine, theirs in zip(self.tensors, self._of(model), strict=False):
            theirs.copy_(mine)


def _cosine(progress: float, start: float) -> float:
    if progress < start:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (progress - start) / (1 - start)))


def _split(n_cells: int, held_out: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of training cells and held-out cells, both ascending."""
    n_held_out = round(held_out * n_cells)
    order = generator(seed, "held_out_cells").permutation(n_cells)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def _content(checkpoint: Checkpoint, state, model, optimiser, averaged: _Average, rng) -> dict[str, Any]:
    return {
        "key": checkpoint.key,
        "state": state,
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": (averaged.steps, averaged.tensors),
        "rng": rng.bit_generator.state,
        "torch_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _save(checkpoint: Checkpoint, *training: Any) -> None:
    with atomic(checkpoint.path) as partial, partial.open("wb") as file:
        torch.save(_content(checkpoint, *training), file)


def _resume(checkpoint: Checkpoint, *training: Any) -> _State | None:
    """Restore the state of a checkpoint; return None and change nothing if it was written by another run."""
    with whole(checkpoint.path):
        content = torch.load(checkpoint.path, weights_only=True)
        if content.get("key") != checkpoint.key:
            return None
        _restore(content, *training)
        return content["state"]


def _restore(content: dict, model, optimiser, averaged: _Average, rng: np.random.Generator) -> None:
    model.load_state_dict(content["model"])
    optimiser.load_state_dict(content["optimiser"])
    averaged.steps, tensors = content["average"]
    for mine, saved in zip(averaged.tensors, tensors, strict=True):
        mine.copy_(saved)
    rng.bit_generator.state = content["rng"]
    torch.set_rng_state(content["torch_rng"])
    if content["cuda_rng"]:
        torch.cuda.set_rng_state_all(content["cuda_rng"])
