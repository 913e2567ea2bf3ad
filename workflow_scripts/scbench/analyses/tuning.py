"""Tuning without labels: changes of the parameters of a run, compared by held-out likelihood and label-free agreement.

Every candidate is trained anew. Methods with a likelihood leave a tenth of the cells out of their training and are
judged on them. The embedding of all cells is judged by the metrics of the preset `label_free`. No step sees cell types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scbench.analyses.mapping import trained_on, vectors_of_trunk
from scbench.files import read_record
from scbench.metrics.suite import score_run
from scbench.runner import FinishedRun, call
from scbench.spec import parameters_class
from scbench.types import Dataset

Search = Mapping[str, Sequence[Any]]

SEARCH: dict[str, Search] = {  # {module: {parameter: values}}; objective.mmd is the weight of the term mmd
    "vae_nb": {"beta": [0.5, 2.0], "latent_dim": [16]},
    "cvae_nb": {"beta": [0.25, 1.0], "prior": ["normal", "mog"], "latent_dim": [16]},
    "disentangled_ae": {"objective.mmd": [30.0, 300.0], "objective.kl": [0.25, 1.0], "latent_dim": [16]},
    "scdml": {"resolution": [1.5, 6.0], "mining": ["semihard", "random"]},
    "scdml_iterative": {"resolution": [1.5, 6.0], "mmd": [1.0, 10.0]},
    "gene_transformer": {"beta": [0.25, 1.0], "mmd": [30.0, 300.0], "latent_dim": [16]},
}
METRICS = {  # the preset label_free
    "bio": ["trustworthiness_above_chance", "cluster_stability", "morans_i"],
    "batch": ["ilisi", "pcr_comparison"],
    "extra": [],
}
WEIGHTS = {"bio": 0.6, "batch": 0.4}
AS_IT_IS = "as it is"
HELD_OUT = 0.1
COLUMNS = ["candidate", "held_out_loss", "label_free", *METRICS["bio"], *METRICS["batch"]]


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Compare the parameters of the run with each change in `SEARCH`; return the table tuning, see `search`.

    Raises
    ------
    ValueError
        If `SEARCH` has no changes for the method.
    """
    known = trained_on(run.model)
    module = known["module"]
    if module not in SEARCH:
        raise ValueError(f"tuning: there are no changes to try for {module}; known: {', '.join(SEARCH)}")
    params = read_record(run.files["embedding"])["parameters"]
    data = run.data(known["input"])
    data = replace(data, gene_vectors=vectors_of_trunk(run.model, len(data.gene_names)))
    return {"tuning": search(module, params, SEARCH[module], data, run.adata, seed=run.seed)}


def search(
    module: str, params: Mapping[str, Any], changes: Search, data: Dataset, adata: AnnData, *, seed: int
) -> pd.DataFrame:
    """Train with the parameters as they are and with one change at a time.

    Parameters
    ----------
    module
        Module of scbench.methods.
    changes
        {parameter: values to try}.
    data, adata
        The prepared dataset as the input of the method, and with its PCA and expression.

    Returns
    -------
    Table with the columns candidate, held_out_loss (nats per cell, lower is better; missing for a method without a
    likelihood), label_free (total of the preset, higher is better) and its metrics.
    """
    rows = []
    for candidate, own in candidates(params, changes):
        trains_on_part = "held_out" in {one.name for one in fields(parameters_class(module))}
        asked = {**own, "held_out": HELD_OUT} if trains_on_part else own
        found = call(module, data, seed=seed, device="cpu", threads=1, params=asked)
        values = label_free(found.X, adata, seed)
        rows.append({"candidate": candidate, "held_out_loss": held_out_loss(found.history), **values})
        print(f"{candidate}: label-free {values['label_free']:.3f}", flush=True)
    return pd.DataFrame(rows, columns=COLUMNS)


def candidates(params: Mapping[str, Any], changes: Search) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, parameters): as they are, then with one change at a time.

    `objective.mmd` changes the weight of one term of an objective and leaves its schedule.
    """
    yield AS_IT_IS, dict(params)
    for name, values in changes.items():
        outer, _, term = name.partition(".")
        for value in values:
            new = value
            if term:
                schedule = params[outer].get(term)
                new = {**params[outer], term: [value, *schedule[1:]] if isinstance(schedule, list) else value}
            yield f"{name}: {value}", {**params, outer: new}


def held_out_loss(history: pd.DataFrame | None) -> float:
    """Return the negative evidence bound of the held-out cells in nats per cell, of the best epoch."""
    if history is None:
        return np.nan
    by_term = history.pivot_table(index="epoch", columns="term", values="value")
    if "held_out_reconstruction" not in by_term:
        return np.nan
    bound = by_term["held_out_reconstruction"] + by_term.get("held_out_kl", 0.0)
    return float(bound.min())


def label_free(X: np.ndarray, adata: AnnData, seed: int) -> dict[str, float]:
    """Return the metrics of the preset `label_free` and their total, label_free."""
    truth = pd.DataFrame({"batch": adata.obs["batch"].astype(str).to_numpy(), "cell_type": ""})
    scores = score_run(X, None, adata, truth, dataset="", method="", seed=seed, metrics=METRICS)["scores"]
    values = scores.set_index("metric")["value"]
    total = sum(weight * values[METRICS[group]].mean() for group, weight in WEIGHTS.items())
    return {**values.to_dict(), "label_free": total}
