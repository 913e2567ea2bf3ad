"""Score the embeddings of a results folder again and say which metric moved each total; prints a Markdown table.

python benchmarks/rescore.py results [results ...]

Reads the scores that the workflow wrote with older code, and scores the same embeddings with this code. The share of a
metric in the change of a total is the change of its value times its weight in the total.
"""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "workflow_scripts"))

from scbench.config import read_config
from scbench.files import read_dataset, read_embedding, read_graph, read_table, read_truth
from scbench.metrics.suite import score_run

KEYS = ["dataset", "method", "seed", "metric", "group"]


def changes(folder: Path) -> pd.DataFrame:
    """Return the value before and after of every metric and run; old scores name the metrics and their groups."""
    rows = []
    for path in sorted(folder.glob("*/*/seed*/scores.tsv")):
        old = read_table(path).query("status == 'ok'")
        dataset, method, seed = path.parts[-4], path.parts[-3], int(path.parts[-2].removeprefix("seed"))
        adata = read_dataset(folder / dataset / "dataset.h5ad")
        X, clusters = read_embedding(path.with_name("embedding.h5ad"), adata.obs_names)[:2]
        truth = read_truth(folder / dataset / "truth.tsv.gz", adata.obs_names)
        metrics = {group: old.loc[old["group"] == group, "metric"].tolist() for group in ("bio", "batch", "extra")}
        run = {"dataset": dataset, "method": method, "seed": seed}
        graph = read_graph(path.with_name("embedding.h5ad"))
        new = score_run(X, clusters, adata, truth, metrics=metrics, graph=graph, **run)["scores"]
        rows.append(old[[*KEYS, "value"]].merge(new[["metric", "value"]], on="metric", suffixes=("_old", "_new")))
    return pd.concat(rows, ignore_index=True)


def main(folders: list[str]) -> None:
    for folder in map(Path, folders):
        table = changes(folder)
        weights = read_config(folder / "config.yaml")["metrics"]["weights"]
        counted = table[table["group"].isin(weights)].copy()
        sizes = counted.groupby(["dataset", "method", "seed", "group"])["metric"].transform("size")
        counted["share"] = (counted["value_new"] - counted["value_old"]) * counted["group"].map(weights) / sizes
        means = counted.groupby(["dataset", "method", "metric"], sort=False)["share"].mean().unstack()
        moved = means.loc[:, means.abs().max() >= 0.0005]
        shown = moved.assign(total=means.sum(axis=1)).round(4).reset_index()
        print(f"{folder}\n\n| {' | '.join(shown.columns)} |\n|{'---|' * shown.shape[1]}")
        for row in shown.itertuples(index=False):
            print(f"| {' | '.join(f'{cell:+.4f}' if isinstance(cell, float) else str(cell) for cell in row)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
