"""How well hidden genes of held-out cells are predicted, for comparing sources of gene vectors."""

from __future__ import annotations

import pandas as pd

from scbench.runner import FinishedRun

TERM = "held_out_masked"


def analyse(run: FinishedRun) -> dict[str, pd.DataFrame]:
    """Return the lowest error at hidden genes of held-out cells during training.

    Returns
    -------
    Table gene_vectors with the columns epoch and error: mean squared error in units of the variance of each gene. It
    has one row, or none if the run held no cells out (parameter `held_out`).
    """
    history = run.table("history")
    errors = history[history["term"] == TERM].nsmallest(1, "value")
    return {"gene_vectors": errors.rename(columns={"value": "error"})[["epoch", "error"]]}
