"""Compare ways to choose the number of clusters K: how well do the merged clusters agree with the cell types?

    .venv/bin/python benchmarks/number_of_clusters.py results/tuning results/development --seeds 0 1 2 3 4

Prints a Markdown table with a row for every prepared dataset in the folders: the adjusted Rand index (ARI) between
clusters and cell types, averaged over the seeds of Leiden, and K in brackets. The clusters are those from which scDML
learns, and those within which other methods align batches (`shared`). Nothing is trained.

`given`: K is the number of cell types. `eigengap`: that of the edge counts. `separate`: the default. `published`: the
eigengap of the published graph.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from scbench.files import read_dataset, read_truth
from scbench.graphs.agreement import ari
from scbench.graphs.merging import Merging, number_of_clusters
from scbench.graphs.shared_clusters import merging_of
from scbench.metric_learning.parameters import ScdmlParameters
from scbench.metric_learning.start import N_COMPONENTS_OF_GRAPH, Start
from scbench.paths import Paths
from scbench.prepared import method_input
from scbench.runner import limited


def choices(merging: Merging, n_types: int) -> dict[str, np.ndarray]:
    """Return {rule: clusters of the cells}."""
    return {
        "given": merging.into(n_types),
        "eigengap": merging.into(number_of_clusters(merging.counts)),
        "separate": merging.separate(),
        "published": merging.into(number_of_clusters(merging.two_step_graph)),
    }


def measure(paths: Paths, dataset: str, seeds: list[int]) -> pd.DataFrame:
    """Return a table with the ARI and K of each rule for each seed."""
    adata = read_dataset(paths.data(dataset, "dataset.h5ad"), matrices=["X"])
    types = pd.factorize(read_truth(paths.data(dataset, "truth.tsv.gz"), adata.obs_names)["cell_type"])[0]
    data, options, rows = method_input(adata, dataset, "lognorm"), ScdmlParameters(), []
    start = Start.of(data, options)
    for seed in seeds:
        of_scdml = start.merging(start.pca, data.batch, options, seed=seed, n_dims=N_COMPONENTS_OF_GRAPH)
        shared = merging_of(data.pca, data.batch, seed=seed)
        for name, merging in {"scdml": of_scdml, "shared": shared}.items():
            for rule, cluster in choices(merging, types.max() + 1).items():
                rows.append((name, rule, cluster.max() + 1, ari(cluster, types)))
    return pd.DataFrame(rows, columns=["clusters", "rule", "K", "ari"])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prepared", type=Path, nargs="+", help="folders with {dataset}/dataset.h5ad and truth.tsv.gz")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args(arguments)
    with limited(1):  # as in the workflow: rounding depends on the number of threads
        tables = {
            path.parent.name: measure(Paths(str(folder)), path.parent.name, options.seeds)
            for folder in options.prepared
            for path in sorted(folder.glob("*/dataset.h5ad"))
        }
    found = pd.concat(tables, names=["dataset"]).groupby(["dataset", "clusters", "rule"], sort=False)
    numbers = found["K"].agg(lambda K: f" ({K.min()})" if K.min() == K.max() else f" ({K.min()} to {K.max()})")
    table = (found["ari"].mean().map("{:.3f}".format) + numbers).unstack(["clusters", "rule"])
    table.loc["mean"] = found["ari"].mean().unstack(["clusters", "rule"]).mean().map("{:.3f}".format)
    table.columns = [" ".join(names) for names in table.columns]
    print(table.to_markdown())


if __name__ == "__main__":
    main()
