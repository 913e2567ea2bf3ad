"""Scores per cell type and per batch: means over the cells of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

import numpy as np
import pandas as pd

from scbench.graphs.agreement import contingency
from scbench.metrics.catalogue import LABELS, METRICS
from scbench.metrics.errors import NotApplicableError
from scbench.metrics.groups import group_means
from scbench.metrics.lisi import lisi
from scbench.metrics.metric import Need
from scbench.metrics.scored import Scored
from scbench.metrics.transfer import purity

WITHOUT_BEING_ASKED = ("cilisi", "purity")  # cheap; they tell under-mixed from over-mixed types


def cell_scores(scored: Scored, metrics: Collection[str]) -> dict[str, np.ndarray]:
    """Return {metric: (n_cells,) score per cell}, where 1 is best and nan is a cell without a score.

    Of `metrics`, those that are means (of LISI: medians) over cells or over the cells of a type; always CiLISI and
    purity, the share of a cell's 14 nearest neighbours that have its cell type. Metrics that are not applicable to the
    data are left out.
    """
    asked = [name for name in OF_CELLS if name in metrics or name in WITHOUT_BEING_ASKED]
    found = {}
    for name in asked:
        with suppress(NotApplicableError):
            if not _missing(scored, _needs(name)):
                found[name] = OF_CELLS[name](scored)
    return found


def by_type(scored: Scored, metrics: Collection[str]) -> pd.DataFrame:
    """Average the scores of cells over cell types and over batches.

    Parameters
    ----------
    metrics
        See `cell_scores`.

    Returns
    -------
    Table with the columns level (cell_type | batch), name, metric, value, cells. Cell types also have the metric f1:
    the highest F1 score with any Leiden cluster at resolution 1, mean over its seeds. Without cell types there are
    batches only.
    """
    of_cells = cell_scores(scored, metrics)
    tables = []
    for level, groups in (("cell_type", scored.labels), ("batch", scored.batch)):
        if level == "cell_type" and _missing(scored, LABELS):
            continue
        names, cells = np.unique(groups, return_counts=True)
        values = {metric: group_means(of_cell, groups) for metric, of_cell in of_cells.items()}
        if level == "cell_type":
            values["f1"] = np.mean([best_f1(scored.labels, clusters) for clusters in scored.leiden_r1], axis=0)
        tables += [
            pd.DataFrame({"level": level, "name": names, "metric": metric, "value": value, "cells": cells})
            for metric, value in values.items()
        ]
    columns = ["level", "name", "metric", "value", "cells"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def best_f1(labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return the highest F1 score of each cell type with any cluster, (n_types,) in sorted order."""
    counts = contingency(labels, clusters)
    return (2 * counts / (counts.sum(axis=1, keepdims=True) + counts.sum(axis=0))).max(axis=1)


def _needs(name: str) -> frozenset[Need]:
    return METRICS[name].needs if name in METRICS else LABELS


def _missing(scored: Scored, needs: Collection[Need]) -> bool:
    return any(scored.reason_against(need) for need in needs)


def _ilisi(scored: Scored) -> np.ndarray:
    return (lisi(scored.indices, scored.weights, scored.batch) - 1) / (len(np.unique(scored.batch)) - 1)


def _clisi(scored: Scored) -> np.ndarray:
    n_types = len(np.unique(scored.labels))
    return (n_types - lisi(scored.indices, scored.weights, scored.labels)) / (n_types - 1)


OF_CELLS: Mapping[str, Callable[[Scored], np.ndarray]] = {
    "ilisi": _ilisi,
    "clisi": _clisi,
    "cilisi": lambda scored: scored.mixing,
    "kbet": lambda scored: scored.accepted,
    "silhouette_cell_type": lambda scored: (scored.widths + 1) / 2,
    "silhouette_batch": lambda scored: 1 - np.abs(scored.batch_widths),
    "bras": lambda scored: 1 - np.abs(scored.cosine_widths),
    "purity": lambda scored: purity(scored.indices_15, scored.labels),
}
