"""How well a disentangled autoencoder has separated biology and batch: probes and counterfactuals.

All analyses run after training, which does not use cell types. A probe is a linear classifier trained to predict a
property from a representation; its accuracy is balanced over classes, so that chance is 1 / number of classes.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scbench.runner import FinishedRun
from scbench.seeding import generator

if TYPE_CHECKING:
    from scbench.neural.cells import Counts

MAX_CELLS = 3000  # for a probe
MAX_SHIFTED = 5  # batches, the largest ones
MIN_OF_CLASS = 10  # cells; smaller types and batches are left out
FOLDS = 5


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Compute probes, cross-correlations and counterfactuals of one run.

    Returns
    -------
    Tables disentanglement (see `evidence`), correlations (columns z_bio and z_batch, which number the dimensions, and
    correlation) and counterfactuals (see `counterfactuals`).
    """
    from scbench.neural.cells import Counts

    adata, labels = run.adata, run.labels
    batch = adata.obs["batch"].cat.codes.to_numpy()
    z_batch, shifts = counterfactuals(run.model, Counts.of(run.data("counts")), batch, labels)
    spaces = {"pca": adata.obsm["X_pca"], "z_bio": run.embedding, "z_batch": z_batch}
    correlation = pd.DataFrame(correlations(run.embedding, z_batch)).rename_axis("z_bio").reset_index()
    return {
        "disentanglement": evidence(spaces, batch, labels, shifts),
        "correlations": correlation.melt("z_bio", var_name="z_batch", value_name="correlation"),
        "counterfactuals": shifts,
    }


def probe(X: np.ndarray, groups: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the balanced accuracy of a logistic regression, mean over 5 cross-validation folds, and chance.

    Dimensions are scaled to unit variance. The result is NaN with fewer than two groups of at least 10 cells.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    cells = _sample(groups, seed)
    names = np.unique(groups[cells])
    if len(names) < 2:
        return np.nan, np.nan
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, class_weight="balanced"))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence warnings: the accuracy is cross-validated anyway
        accuracy = cross_val_score(model, X[cells], groups[cells], cv=folds, scoring="balanced_accuracy")
    return float(accuracy.mean()), 1 / len(names)


def correlations(z_bio: np.ndarray, z_batch: np.ndarray) -> np.ndarray:
    """Return absolute correlations between the dimensions of z_bio and z_batch; 0 if a dimension is constant."""
    joint = np.corrcoef(np.nan_to_num(_standard(z_bio)).T, np.nan_to_num(_standard(z_batch)).T)
    return np.abs(np.nan_to_num(joint[: z_bio.shape[1], z_bio.shape[1] :]))


def shift_between(expression: np.ndarray, batch: np.ndarray, labels: np.ndarray, start: int, end: int) -> np.ndarray:
    """Return the mean difference (n_genes,) in expression from batch `start` to `end` over their shared types.

    Types are weighted by their number of cells in `start`; NaN if the batches have no type in common.
    """
    differences, sizes = [], []
    for name in np.unique(labels):
        one, other = (np.flatnonzero((batch == code) & (labels == name)) for code in (start, end))
        if len(one) and len(other):
            differences.append(expression[other].mean(0) - expression[one].mean(0))
            sizes.append(len(one))
    return np.average(differences, axis=0, weights=sizes) if sizes else np.full(expression.shape[1], np.nan)


def counterfactuals(
    state: dict, counts: Counts, batch: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, pd.DataFrame]:
    """Decode cells under the code of another batch and compare the change with the difference between the batches.

    Parameters
    ----------
    state
        Content of model.pt.
    counts
        (n_cells, n_genes).
    batch, labels
        (n_cells,) batch codes and names of cell types.

    Returns
    -------
    z_batch (n_cells, n_batches), and a table with the columns start, end, gene, predicted, observed: the change in mean
    log-normalised expression of every gene from each of the five largest batches to the next.
    """
    import torch

    from scbench.autoencoders.autoencoder import Autoencoder
    from scbench.neural.cells import Cells
    from scbench.neural.fit import load
    from scbench.neural.training import apply

    model, cells = load(state, Autoencoder), Cells("cpu", {"counts": counts})
    z_batch = apply(model.z_batch, cells)
    expression = apply(lambda counts: counts.log_normalised(), cells)
    largest = np.argsort(-np.bincount(batch), kind="stable")[:MAX_SHIFTED]

    def shown_under(code: int, of: np.ndarray) -> np.ndarray:
        """Return the mean expression of the cells `of`, decoded under the batch `code`."""

        def decode(counts, batch):
            told = model.code_of(batch)
            if model.options.condition == "z_batch":
                told = torch.from_numpy(means[code]).expand(len(batch), -1)
            return model.decoded_expression(model.embed(counts), told, counts)

        return apply(decode, Cells("cpu", {"counts": counts[of], "batch": np.full(len(of), code)})).mean(0)

    means = {code: z_batch[batch == code].mean(0) for code in largest}
    tables = []
    for start, end in zip(largest, np.roll(largest, -1), strict=True):
        shared = np.intersect1d(labels[batch == start], labels[batch == end])
        of = np.flatnonzero((batch == start) & np.isin(labels, shared))
        if start == end or not len(of):
            continue
        predicted = shown_under(end, of) - shown_under(start, of)
        observed = shift_between(expression, batch, labels, start, end)
        genes = np.arange(len(observed))
        columns = {"start": start, "end": end, "gene": genes, "predicted": predicted, "observed": observed}
        tables.append(pd.DataFrame(columns))
    empty = pd.DataFrame(columns=["start", "end", "gene", "predicted", "observed"])
    return z_batch, pd.concat(tables, ignore_index=True) if tables else empty


def evidence(
    representations: dict[str, np.ndarray], batch: np.ndarray, labels: np.ndarray, shifts: pd.DataFrame
) -> pd.DataFrame:
    """Collect the measures of how well biology and batch are separated.

    Parameters
    ----------
    representations
        pca, z_bio and z_batch, each (n_cells, n_dims).
    labels
        (n_cells,) cell types; "" if unknown.
    shifts
        Table of `counterfactuals`.

    Returns
    -------
    Table with the columns measure, of, value, chance. Measures are: the probes of batch and cell_type from each
    representation, and of the batch from the cell type alone, which is what a z_bio without batch effects can predict
    if batches differ in composition; cross_correlation, the mean squared correlation between dimensions of z_bio and
    z_batch; and counterfactual, the correlation over genes of predicted and observed changes, with one row per pair of
    batches (as `start>end`).
    """
    rows, typed = [], (labels != "").all()
    for name, X in representations.items():
        rows.append(("batch", name, *probe(X, batch)))
        if typed:
            rows.append(("cell_type", name, *probe(X, labels)))
    if typed:
        rows.append(("batch", "cell_type", *probe(pd.get_dummies(labels).to_numpy(float), batch)))
    squared = (correlations(representations["z_bio"], representations["z_batch"]) ** 2).mean()
    rows.append(("cross_correlation", "z_bio, z_batch", float(squared), np.nan))
    for (start, end), pair in shifts.groupby(["start", "end"], sort=False):
        agreement = np.corrcoef(pair["predicted"].astype(float), pair["observed"].astype(float))[0, 1]
        rows.append(("counterfactual", f"{start}>{end}", float(agreement), np.nan))
    return pd.DataFrame(rows, columns=["measure", "of", "value", "chance"])


def _standard(X: np.ndarray) -> np.ndarray:
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, np.nan)


def _sample(groups: np.ndarray, seed: int) -> np.ndarray:
    """Return the indices of at most MAX_CELLS cells of groups that are large enough, ascending."""
    names, sizes = np.unique(groups, return_counts=True)
    cells = np.flatnonzero(np.isin(groups, names[sizes >= MIN_OF_CLASS]))
    if len(cells) > MAX_CELLS:
        cells = np.sort(generator(seed, "probe").choice(cells, MAX_CELLS, replace=False))
        names, sizes = np.unique(groups[cells], return_counts=True)
        cells = cells[np.isin(groups[cells], names[sizes >= FOLDS])]
    return cells
