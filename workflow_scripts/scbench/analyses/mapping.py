"""Map new cells into the embedding of a finished run with its trained encoder; nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from scbench.autoencoders.autoencoder import Autoencoder
from scbench.autoencoders.count_vae import CountVae
from scbench.metric_learning.network import MixingNetwork, TripletNetwork
from scbench.metric_learning.scaling import BatchScaling
from scbench.neural.cells import Cells, Column, Counts
from scbench.neural.fit import Model, load
from scbench.neural.training import apply
from scbench.transformer.pretraining import CHUNK, Integration, Pretraining

KINDS: tuple[type[Model], ...] = (CountVae, Autoencoder, TripletNetwork, MixingNetwork, Pretraining, Integration)
LEAST_SHARED = 0.8  # share of the genes of the model that new cells must have
LEAST_TO_SCALE = 10  # cells of a new batch


def trained_on(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return method, module, genes, batches and target_sum of the run whose model.pt has the content `state`.

    Raises
    ------
    ValueError
        If the file was written by a version that did not store them.
    """
    if "trained_on" not in state:
        raise ValueError("model.pt does not name its genes: it was made by an earlier version; run the method again")
    return state["trained_on"]


def with_genes(counts: sparse.csr_matrix, genes: Sequence[str], wanted: Sequence[str]) -> tuple[Any, list[str]]:
    """Bring the columns of new cells into the order of the genes of a model.

    Parameters
    ----------
    counts
        (n_cells, n_genes) counts of `genes`.
    wanted
        Genes of the model.

    Returns
    -------
    (n_cells, n_wanted) CSR, 0 for missing genes, and the names of the missing genes.

    Raises
    ------
    ValueError
        If less than 80 % of the genes of the model are there.
    """
    place = {name: column for column, name in enumerate(genes)}
    missing = [name for name in wanted if name not in place]
    if len(missing) > (1 - LEAST_SHARED) * len(wanted):
        found = f"{len(wanted) - len(missing)} of the {len(wanted)} genes of the model are there"
        names = f"the model has {', '.join(wanted[:3])}, the file {', '.join(genes[:3])}"
        raise ValueError(f"{found}, {LEAST_SHARED:.0%} are needed; genes are matched by name: {names}")
    columns = [place.get(name, len(genes)) for name in wanted]
    padded = sparse.hstack([counts, sparse.csr_matrix((counts.shape[0], 1), dtype=counts.dtype)], format="csr")
    return padded[:, columns].sorted_indices(), missing


def map_cells(state: Mapping[str, Any], counts: Counts, batch: np.ndarray) -> np.ndarray:
    """Embed new cells with the encoder of a run.

    An encoder that does not know the batch embeds cells of any batch. scDML scales the genes per batch: cells of a
    batch of the training data as there, those of a new batch with their own means and standard deviations.

    Parameters
    ----------
    state
        Content of model.pt.
    counts
        (n_cells, genes of the model), see `with_genes`.
    batch
        (n_cells,) names of batches.

    Returns
    -------
    (n_cells, n_dims) float32.

    Raises
    ------
    ValueError
        If the encoder needs the batch and a batch is new, or a new batch has too few cells to be scaled.
    """
    model = load(state, *KINDS)
    known = trained_on(state)["batches"]
    if not isinstance(model, TripletNetwork):
        columns: dict[str, Column] = {"counts": counts, "batch": batch_codes(model, known, batch)}
        return apply(model.embed, Cells("cpu", columns), CHUNK)
    new = sorted(set(batch) - set(known))
    codes = pd.Index([*known, *new]).get_indexer(batch).astype(np.int64)
    x = counts.log_normalised().astype(np.float32)
    _scale(model, x, codes, len(known), new)
    return apply(model.embed, Cells("cpu", {"x": x, "batch": codes}), CHUNK)


def batch_codes(model: Model, known: Sequence[str], batch: np.ndarray) -> np.ndarray:
    """Return the codes that an encoder is given for batches (n_cells,) of names; 0 for a new batch if it has no effect.

    Raises
    ------
    ValueError
        If the encoder needs the batch and a batch is new.
    """
    codes = pd.Index(known).get_indexer(batch)
    needed = isinstance(model, CountVae) and (model.options.condition_encoder or model.options.encoder_norm == "domain")
    if needed and (codes < 0).any():
        names = ", ".join(known[:5]) + (" and others" if len(known) > 5 else "")
        new = batch[codes < 0][0]
        raise ValueError(f"the encoder is batch-conditioned and does not know the batch '{new}'; it knows {names}")
    return np.maximum(codes, 0).astype(np.int64)


def vectors_of_trunk(state: Mapping[str, Any], n_genes: int) -> dict[str, np.ndarray]:
    """Return the gene vectors of a Gene Transformer, (n_genes, width) and 0 outside its trunk; others have none."""
    if "trunk.given" not in state["weights"]:
        return {}
    given = state["weights"]["trunk.given"].numpy()
    vectors = np.zeros((n_genes, given.shape[1]), dtype=np.float32)
    vectors[state["sizes"]["columns"]] = given
    return {"given": vectors}


def _scale(model: TripletNetwork, x: sparse.csr_matrix, codes: np.ndarray, n_known: int, new: Sequence[str]) -> None:
    """Append the means and standard deviations of new batches to those of the model."""
    if not new:
        return
    sizes = np.bincount(codes, minlength=n_known + len(new))[n_known:]
    if sizes.min() < LEAST_TO_SCALE:
        few = f"the new batch '{new[int(sizes.argmin())]}' has {sizes.min()} cells"
        raise ValueError(f"{few}; scDML scales the genes of each batch, for which it needs {LEAST_TO_SCALE}")
    is_new = codes >= n_known
    found = BatchScaling.of(x[np.flatnonzero(is_new)], codes[is_new] - n_known)
    model.mean = torch.cat([model.mean, torch.from_numpy(found.mean)])
    model.sd = torch.cat([model.sd, torch.from_numpy(found.sd)])
