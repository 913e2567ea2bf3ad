"""Compare the order of methods in a results folder with their order on real data, by Kendall's tau.

    .venv/bin/python benchmarks/order_agreement.py results --datasets sim_donors sim_technologies sim_lineage

Runs without a score are left out, and so are methods that have no total on one of the datasets.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import pandas as pd
from integration_quality import total_of
from scipy.stats import kendalltau

from scbench.files import read_scores

REAL = Path(__file__).parents[1] / "docs/lab/field.tsv"  # mean totals of docs/lab/field.md


def totals(results: Path, datasets: list[str]) -> pd.DataFrame:
    """Return the mean total over seeds, methods x datasets."""
    found = {}
    for dataset in datasets:
        for path in sorted((results / dataset).glob("*/seed*/scores.tsv")):
            found.setdefault((path.parts[-3], dataset), []).append(total_of(read_scores(path))["total"])
    return pd.Series({key: sum(values) / len(values) for key, values in found.items()}).unstack()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--datasets", nargs="+", required=True)
    parser.add_argument("--methods", nargs="+", help="default: all with a total in both")
    parser.add_argument("--real", type=Path, default=REAL, help="table with the columns method and total")
    options = parser.parse_args(arguments)
    table = totals(options.results, options.datasets).dropna()
    table["mean"] = table.mean(axis=1)
    table["real"] = pd.read_csv(options.real, sep="\t").set_index("method")["total"]
    table = table.dropna().loc[lambda rows: rows.index.isin(options.methods or rows.index)]
    table = table.assign(rank=table["mean"].rank(ascending=False), real_rank=table["real"].rank(ascending=False))
    print(table.sort_values("real", ascending=False).round(3).to_markdown())
    tau = kendalltau(table["mean"], table["real"])
    print(f"\nKendall's tau {tau.statistic:.2f} (p = {tau.pvalue:.2g}), {len(table)} methods and controls")


if __name__ == "__main__":
    main()
