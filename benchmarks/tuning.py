"""Whether parameters chosen without cell types raise the total, which needs them, on prepared datasets.

    .venv/bin/python benchmarks/tuning.py results/tuning --methods cvae_nb scdml --datasets tune_two tune_close

One thread. Prints a row per dataset and method: the choice of `scbench.analyses.tuning`, its gain in the label-free
total, and the totals of the preset `scib` with the defaults and with the choice, both trained on all cells.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import integration_quality as quality
import pandas as pd

from scbench.analyses.tuning import AS_IT_IS, SEARCH, candidates, search
from scbench.files import read_dataset, read_truth
from scbench.metrics.suite import score_run
from scbench.paths import Paths
from scbench.prepared import method_input
from scbench.ranking.tuning import choose
from scbench.runner import limited, run


def compared(prepared: Paths, dataset: str, method: str, seed: int) -> dict:
    """Return one row of the table."""
    adata = read_dataset(prepared.data(dataset, "dataset.h5ad"))
    truth = read_truth(prepared.data(dataset, "truth.tsv.gz"), adata.obs_names)
    spec = quality.REGISTRY[method]
    vectors = quality.vectors_of(prepared, dataset, adata, spec.gene_vectors)
    data = replace(method_input(adata, dataset, spec.input), gene_vectors=vectors)
    choice = choose(search(spec.module, spec.parameters, SEARCH[spec.module], data, adata, seed=seed))
    params = dict(candidates(spec.parameters, SEARCH[spec.module]))
    totals = {}
    for name in dict.fromkeys([AS_IT_IS, choice["chosen"]]):
        found = run(
            replace(spec, params=params[name]),
            adata,
            dataset=dataset,
            seed=seed,
            accelerator="cpu",
            gene_vectors=vectors,
        )
        run_of = {"dataset": dataset, "method": method, "seed": seed}
        X, clusters = found.embedding.X, found.embedding.cluster
        scores = score_run(X, clusters, adata, truth, **run_of, metrics=quality.CONFIG["metrics"])["scores"]
        totals[name] = quality.total_of(scores)["total"]
    row = {"dataset": dataset, "method": method, "chosen": choice["chosen"], "gain": choice["gain"]}
    return row | {"total": totals[AS_IT_IS], "total_chosen": totals[choice["chosen"]]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prepared", type=Path, help="results folder with prepared datasets")
    parser.add_argument("--datasets", nargs="+", required=True)
    parser.add_argument("--methods", nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = []
    with limited(1):
        for dataset in options.datasets:
            for method in options.methods:
                rows.append(compared(Paths(str(options.prepared)), dataset, method, options.seed))
                print(rows[-1], flush=True)
    print(pd.DataFrame(rows).round(3).to_markdown(index=False))


if __name__ == "__main__":
    main()
