"""Harmony: soft clustering that favours mixed batches, followed by a linear correction per cluster, in PCA space.

Source: Korsunsky et al. 2019, doi 10.1038/s41592-019-0619-0, and Patikas et al. 2026, doi 10.64898/2026.03.16.711825:
harmonypy 2 (2.1.0 is pinned) follows harmony2, the second version of the R package, and not the version of 2019. It is
called directly because scanpy's wrapper transposes the result of harmonypy >= 0.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from scbench import parameters as p
from scbench.types import Dataset, Embedding


@dataclass(frozen=True, kw_only=True)
class Parameters(p.Parameters):
    """Parameters of Harmony.

    Attributes
    ----------
    theta
        Weight of the batch diversity penalty; 0 turns it off.
    sigma
        Width of the soft clusters.
    max_iter
        Maximum number of rounds of clustering and correction; Harmony stops earlier when the objective converges.
    """

    theta: float = p.number(2.0, 0)
    sigma: float = p.number(0.1, above=0)
    max_iter: int = p.number(20, 1)


def integrate(data: Dataset, *, seed: int, device: str, threads: int, **parameters) -> Embedding:
    """Return the corrected principal components, (n_cells, n_pcs); with one batch, the unchanged components."""
    import harmonypy
    import numpy as np
    import pandas as pd

    options = Parameters.of(parameters)
    if len(data.batch_names) == 1:
        return Embedding(X=data.X.copy())
    cells = pd.DataFrame({"batch": np.asarray(data.batch_names)[data.batch]})
    result = harmonypy.run_harmony(
        data.X.astype(np.float64),
        cells,
        "batch",
        theta=options.theta,
        sigma=options.sigma,
        max_iter_harmony=options.max_iter,
        random_state=seed,
        ncores=threads,
        verbose=False,
    )
    corrected = np.asarray(result.Z_corr)
    if corrected.shape != data.X.shape:
        raise ValueError(f"harmonypy returned {corrected.shape} for {data.X.shape}: another axis order than 2.1.0")
    history = pd.DataFrame({"epoch": range(len(result.objective_harmony)), "term": "objective"})
    return Embedding(X=corrected.astype(np.float32), history=history.assign(value=result.objective_harmony))
