"""Measure by simulation how often the intervals of the ranking hold the truth, and how often its tests err.

python benchmarks/interval_coverage.py            1,000 benchmarks for each row; another number as an argument

A benchmark is a sample of datasets with seven methods, whose mean totals over all datasets are those of the six real
datasets of docs/results.md. The total of a run is the mean of its method + an effect of the dataset, which the methods
share, + an effect of method and dataset + noise of the seed. Shapes of the effects: normal; skewed (skewness -1, gamma
variables); lost (normal, and each of three seeds is lost with probability 0.3, but never all); tied (normal, and the
means differ by 1e-6 only). Seed 0.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent.parent / "workflow_scripts"))

from scbench.checks import SCORE_COLUMNS
from scbench.ranking.summary import summarise
from scbench.ranking.uncertainty import mean_intervals, rank_tests, significant

DATASETS = (3, 5, 8, 20)
SHAPES = ("normal", "skewed", "lost", "tied")
MEANS = np.array([0.838, 0.834, 0.819, 0.804, 0.766, 0.757, 0.612])
SD_DATASET, SD_METHOD, SD_SEED = 0.05, 0.04, 0.01
SEEDS = 3


def main(benchmarks: int) -> None:
    show(
        "Share of intervals that hold the truth",
        [{"shape": shape, "datasets": n, **coverage(n, shape, benchmarks)} for shape in SHAPES for n in DATASETS],
    )
    show(
        "Least and greatest share, over 3, 5, 8 and 20 datasets, of intervals of ranks that hold the truth",
        [
            {"methods": k, "shape": shape, "level": level, **rank_coverage(k, shape, level, benchmarks)}
            for k in (3, 7, 12)
            for shape in ("normal", "tied")
            for level in (0.05, 0.18)
        ],
    )
    show(
        "Share of t intervals over seeds that hold the truth",
        [{"seeds": n, "t": seed_coverage(n, benchmarks)} for n in (2, 3, 5, 10)],
    )
    show(
        "Share of benchmarks of equal methods with p <= 0.05",
        [{"methods": k, "datasets": n, **errors(k, n, benchmarks)} for k in (3, 7) for n in DATASETS],
    )


def show(title: str, rows: list[dict]) -> None:
    print(f"{title}\n\n{pd.DataFrame(rows, dtype=object).to_markdown(index=False, floatfmt='.3f')}\n", flush=True)


def coverage(n_datasets: int, shape: str, benchmarks: int) -> dict[str, float]:
    """Return how often intervals hold the truth: of means, by t and by the percentile bootstrap, and of ranks."""
    random = np.random.default_rng([0, n_datasets, SHAPES.index(shape)])
    means = 0.8 - 1e-6 * np.arange(len(MEANS)) if shape == "tied" else MEANS
    true_rank = stats.rankdata(-means)
    held = {"mean, t": [], "mean, bootstrap": [], "rank": [], "ranks in the interval": []}
    for _ in range(benchmarks):
        values = dataset_totals(random, means, n_datasets, shape)
        table = mean_intervals(pd.DataFrame(values))
        drawn = values[:, random.integers(0, n_datasets, (1_000, n_datasets))].mean(axis=2)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
        held["mean, t"].append(inside(table["ci_low"], means, table["ci_high"]))
        held["mean, bootstrap"].append(inside(low, means, high))
        held["rank"].append(inside(table["rank_low"], true_rank, table["rank_high"]))
        held["ranks in the interval"].append((table["rank_high"] - table["rank_low"] + 1).mean())
    return {name: float(np.mean(values)) for name, values in held.items()}


def rank_coverage(n_methods: int, shape: str, level: float, benchmarks: int) -> dict[str, str]:
    """Return how often intervals of ranks by tests of a level hold the truth: of all methods, and of the true best."""
    means = np.interp(np.linspace(0, len(MEANS) - 1, n_methods), np.arange(len(MEANS)), MEANS)
    means = 0.8 - 1e-6 * np.arange(n_methods) if shape == "tied" else means
    true_rank, found = np.arange(1, n_methods + 1), []
    for n_datasets in DATASETS:
        random = np.random.default_rng([3, n_methods, n_datasets, SHAPES.index(shape)])
        held = np.zeros(n_methods)
        for _ in range(benchmarks):
            better, worse = significant(dataset_totals(random, means, n_datasets, shape), level)
            held += (1 + better.sum(axis=1) <= true_rank) & (true_rank <= n_methods - worse.sum(axis=1))
        found.append((held.mean() / benchmarks, held[0] / benchmarks))
    low, high = np.min(found, axis=0), np.max(found, axis=0)
    return {name: f"{low[i]:.3f} to {high[i]:.3f}" for i, name in enumerate(("all methods", "best method"))}


def dataset_totals(random: np.random.Generator, means: np.ndarray, n_datasets: int, shape: str) -> np.ndarray:
    """Return the means over seeds of made-up totals, (methods, datasets)."""

    def effects(*size: int) -> np.ndarray:
        # a gamma variable of shape 4 has mean 4, standard deviation 2 and skewness 1
        return (4 - random.gamma(4, size=size)) / 2 if shape == "skewed" else random.standard_normal(size)

    size = (len(means), n_datasets)
    found = means[:, None] + SD_DATASET * effects(n_datasets) + SD_METHOD * effects(*size)
    noise = SD_SEED * random.standard_normal((*size, SEEDS))
    if shape == "lost":
        lost = random.random(noise.shape) < 0.3
        lost[..., 0] &= ~lost.all(axis=2)
        noise[lost] = np.nan
    return found + np.nanmean(noise, axis=2)


def seed_coverage(n_seeds: int, benchmarks: int) -> float:
    """Return how often the t interval over seeds in summary.tsv holds the true score; one metric, normal noise."""
    random = np.random.default_rng([1, n_seeds])
    rows = [
        (f"d{i}", "a", seed, "ilisi", "batch", 0.5 + SD_SEED * random.standard_normal(), "ok", "", "")
        for i in range(benchmarks)
        for seed in range(n_seeds)
    ]
    summary = summarise(pd.DataFrame(rows, columns=SCORE_COLUMNS), {"a": "method"}, {"bio": 0.0, "batch": 1.0})
    return inside(*summary.query("metric == 'ilisi'").assign(true=0.5)[["ci_low", "true", "ci_high"]].to_numpy().T)


def errors(n_methods: int, n_datasets: int, benchmarks: int) -> dict[str, float]:
    """Return how often each test finds a difference between methods that have none."""
    random = np.random.default_rng([2, n_methods, n_datasets])
    found = {
        name: [] for name in ("chi-square", "Iman-Davenport", "permutation", "Nemenyi, range", "Nemenyi, permutation")
    }
    for _ in range(benchmarks):
        totals = pd.DataFrame(random.standard_normal((n_methods, n_datasets)))
        tests = rank_tests(totals).set_index("test")
        chi_square = tests.loc["friedman", "statistic"]
        freedom = n_methods - 1, (n_methods - 1) * (n_datasets - 1)
        left = n_datasets * (n_methods - 1) - chi_square
        f = (n_datasets - 1) * chi_square / left if left > 1e-9 else np.inf
        ranks = tests.loc["mean_rank", "mean_rank"]
        width = (ranks.max() - ranks.min()) / np.sqrt(n_methods * (n_methods + 1) / (12 * n_datasets))
        found["chi-square"].append(stats.chi2.sf(chi_square, n_methods - 1))
        found["Iman-Davenport"].append(stats.f.sf(f, *freedom))
        found["permutation"].append(tests.loc["friedman", "p_value"])
        found["Nemenyi, range"].append(stats.studentized_range.sf(width, n_methods, np.inf))
        found["Nemenyi, permutation"].append(tests.loc["nemenyi", "p_value"].min())
    return {name: float(np.mean(np.array(values) <= 0.05)) for name, values in found.items()}


def inside(low: np.ndarray, value: np.ndarray, high: np.ndarray) -> float:
    return float(np.mean((low <= value) & (value <= high)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
