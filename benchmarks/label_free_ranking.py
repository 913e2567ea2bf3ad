"""Measure how well the ranking of the preset label_free, without cell types, predicts the ranking with cell types.

python benchmarks/label_free_ranking.py results [more results ...]

Reads the summary and the embeddings of finished benchmarks on datasets with cell types, scores every embedding with the
preset label_free, and prints for each dataset Kendall's tau between the mean totals of the ranked methods (the baseline
is one of them) with and without cell types; the method that each ranking puts first; and what is lost by the choice
without cell types: the best total minus the total of the chosen method. Then the mean tau over datasets of each metric.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent.parent / "workflow_scripts"))

from scbench.commands.common import default_config
from scbench.config import read_config
from scbench.files import read_dataset, read_embedding, read_scores, read_table, read_truth
from scbench.metrics.suite import score_run
from scbench.paths import Paths
from scbench.ranking.summary import APART, TEXT_COLUMNS, summarise
from scbench.registry import load_registry

METRICS = default_config({})["metrics"]["presets"]["label_free"]
SCORED = {**METRICS, "extra": []}
PARTS = [*METRICS["bio"], "bio", *METRICS["batch"], "batch", "total"]
WITH_LABELS = ["total", "total_robust"]
MIN_METHODS = 3


def main(folders: list[str]) -> None:
    compared, taus = [], []
    for folder in folders:
        for dataset, means in means_of(folder):
            compared.append(choice(dataset, means))
            taus += [
                {
                    "dataset": dataset,
                    "without cell types": part,
                    "with": total,
                    "tau": tau(means[part], means["labels", total]),
                }
                for part in PARTS
                for total in WITH_LABELS
            ]
    print(pd.DataFrame(compared).to_markdown(index=False, floatfmt=".3f"))
    print("\nMean tau over datasets (95 % t interval), by what is ranked without cell types\n")
    groups = pd.DataFrame(taus).groupby(["without cell types", "with"], sort=False)["tau"]
    print(groups.agg(interval).unstack().to_markdown())


def means_of(folder: str):
    """Yield every dataset with totals and its means, methods x (label-free parts and ("labels", total))."""
    at = Paths(folder)
    config = read_config(at.config)
    registry = load_registry(config["methods"])
    summary = read_table(at.summary("summary.tsv"), text=TEXT_COLUMNS)
    runs = read_scores(at.summary("scores.tsv"))[["dataset", "method", "seed"]].drop_duplicates()
    kinds = {name: registry[name].reported_kind for name in runs["method"].unique()}
    ranked = [name for name, kind in kinds.items() if kind not in APART]
    for dataset, labelled in summary[summary["group"] == "total"].groupby("dataset", sort=False):
        chosen = runs[(runs["dataset"] == dataset) & runs["method"].isin(ranked)]
        with_labels = labelled.pivot(index="method", columns="metric", values="mean").reindex(ranked)[WITH_LABELS]
        if with_labels["total"].notna().sum() < MIN_METHODS:
            continue
        free = summarise(label_free_scores(at, chosen), kinds, config["metrics"]["weights"])
        means = free.pivot_table(index="method", columns="metric", values="mean", dropna=False).reindex(columns=PARTS)
        for total in WITH_LABELS:
            means["labels", total] = with_labels[total]
        yield str(dataset), means.dropna(subset=[("labels", "total")])


def label_free_scores(at: Paths, runs: pd.DataFrame) -> pd.DataFrame:
    """Score the embeddings of runs on one dataset; the cell types are not shown to the metrics."""
    dataset = runs["dataset"].iloc[0]
    adata = read_dataset(at.data(dataset, "dataset.h5ad"))
    truth = read_truth(at.data(dataset, "truth.tsv.gz"), adata.obs_names).assign(cell_type="")
    tables = []
    for run in runs.itertuples():
        print(f"{run.dataset} {run.method} {run.seed}", file=sys.stderr, flush=True)
        embedding = read_embedding(at.run(run.dataset, run.method, run.seed, "embedding.h5ad"), adata.obs_names)
        of = {"dataset": run.dataset, "method": run.method, "seed": run.seed}
        tables.append(score_run(*embedding, adata, truth, **of, metrics=SCORED)["scores"])
    return pd.concat(tables, ignore_index=True)


def choice(dataset: str, means: pd.DataFrame) -> dict:
    """Return the first method of each ranking, Kendall's tau and the loss, for one dataset."""
    total, free = means["labels", "total"], means["total"]
    chosen = free.idxmax()
    return {
        "dataset": dataset,
        "methods": len(means),
        "tau": tau(free, total),
        "tau, robust": tau(free, means["labels", "total_robust"]),
        "best without cell types": chosen,
        "best with": total.idxmax(),
        "loss": total.max() - total[chosen],
        "loss of a random choice": total.max() - total.mean(),
    }


def tau(first: pd.Series, second: pd.Series) -> float:
    both = pd.concat([first, second], axis=1).dropna().round(9)
    return float(stats.kendalltau(*both.to_numpy().T).statistic) if len(both) >= MIN_METHODS else np.nan


def interval(values: pd.Series) -> str:
    found = values.dropna()
    if len(found) < 2:
        return f"{found.mean():.2f} (n = {len(found)})"
    half = stats.t.ppf(0.975, len(found) - 1) * found.std() / np.sqrt(len(found))
    return f"{found.mean():.2f} ± {half:.2f} (n = {len(found)})"


if __name__ == "__main__":
    main(sys.argv[1:])
