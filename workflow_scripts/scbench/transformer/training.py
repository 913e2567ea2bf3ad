"""Training of a trunk on one dataset, from random weights or from those of a trunk that other datasets pretrained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from scbench.neural.cells import Cells, Column, Counts
from scbench.neural.fit import fit as neural_fit
from scbench.neural.fit import state_of
from scbench.neural.schedules import Schedule, weights_at
from scbench.neural.training import apply
from scbench.transformer.parameters import TrunkParameters
from scbench.transformer.pretraining import CHUNK, Pretraining, choose_genes
from scbench.transformer.transfer import places, start_from, transferred, with_sizes_of
from scbench.types import HISTORY_COLUMNS, Dataset, Embedding

P = TypeVar("P", bound=TrunkParameters)


def fit(
    data: Dataset,
    kind: type[Pretraining],
    options: P,
    *,
    terms: Mapping[str, Schedule],
    seed: int,
    device: str,
    frozen: bool = False,
    cluster: np.ndarray | None = None,
    **sizes: int,
) -> Embedding:
    """Train a `Pretraining` or an `Integration` on all cells and return their embedding.

    If the dataset has a pretrained trunk, training starts from it. The genes are then those that the trunk knows.

    Parameters
    ----------
    terms
        {term: weight schedule}.
    frozen
        Whether the pretrained trunk stays as it is.
    cluster
        (n_cells,) clusters shared by batches, a further column for the losses of `kind`.
    sizes
        Arguments of `kind` besides the columns.
    """
    trunk, counts = data.pretrained, Counts.of(data)
    options = options if trunk is None else with_sizes_of(options, trunk)
    columns = choose_genes(data, options.n_genes, None if trunk is None else places(trunk["genes"]))
    cells: dict[str, Column] = {"counts": counts, "batch": data.batch}
    if cluster is not None:
        cells["cluster"] = cluster

    def make() -> Pretraining:
        model = kind(options, columns.tolist(), **sizes)
        model.start_at(counts)
        if trunk is not None:
            start_from(model, trunk, data.gene_names, counts)
            if frozen:
                model.freeze()
        elif options.position == "vectors" and data.gene_vectors:
            model.trunk.give(data.gene_vectors[source][columns] for source in data.gene_vectors)
        return model

    found = neural_fit(
        data,
        make,
        options,
        columns=cells,
        weights=partial(weights_at, terms),
        seed=seed,
        device=device,
        chunk=CHUNK,
        cosine_from=0.5,
    )
    return replace(found, model={**(found.model or {}), "genes": data.gene_names[columns].tolist()})


def zero_shot(data: Dataset, options: TrunkParameters, *, device: str) -> Embedding:
    """Return the mean outputs over genes of the pretrained trunk, (n_cells, width), without any training.

    The history has one row, the error at hidden genes.
    """
    assert data.pretrained is not None
    counts = Counts.of(data)
    options = with_sizes_of(TrunkParameters(n_genes=options.n_genes), data.pretrained)
    columns = choose_genes(data, options.n_genes, places(data.pretrained["genes"]))
    model = transferred(options, columns.tolist(), data.pretrained, data.gene_names, counts).to(device)
    cells = Cells(device, {"counts": counts, "batch": data.batch})
    error = apply(
        lambda **columns: model.losses(**columns)["masked"].expand(len(columns["batch"])), cells, CHUNK
    ).mean()
    history = pd.DataFrame([(0, "masked", float(error))], columns=HISTORY_COLUMNS)
    genes = data.gene_names[columns].tolist()
    return Embedding(X=apply(model.embed, cells, CHUNK), history=history, model=state_of(model) | {"genes": genes})
