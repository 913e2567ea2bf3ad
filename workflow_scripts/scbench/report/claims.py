"""The table of claims in words."""

from __future__ import annotations

import pandas as pd

from scbench.report.labels import MISSING

NOTES = [
    "Difference: mean over datasets of paired differences (same dataset and seed), with its 95 % t interval. With "
    "three or more datasets the interval is over datasets. With fewer it is over seeds and holds for these datasets "
    "only.",
    "Held: the whole interval is on the expected side. Contradicted: it is on the other side. Not shown: neither.",
]


def shown(tested: pd.DataFrame) -> pd.DataFrame:
    """Return the columns claim, measured, data, difference, verdict of `scbench.ranking.claims.judge`."""
    rows = []
    for one in tested.itertuples():
        if one.reason:
            rows.append((one.claim, one.measured, MISSING, MISSING, f"{one.verdict}: {one.reason}"))
            continue
        difference = f"{one.difference:+.3f}"
        if pd.notna(one.ci_low):
            difference += f" ({one.ci_low:+.3f} to {one.ci_high:+.3f}, over {one.over})"
        data = one.datasets if one.n_datasets <= 3 else f"{one.n_datasets} datasets"
        pairs = f"{one.n_pairs} pair{'s' if one.n_pairs > 1 else ''}"
        rows.append((one.claim, one.measured, f"{data}; {pairs}", difference, one.verdict))
    return pd.DataFrame(rows, columns=["claim", "measured", "data", "difference", "verdict"])
