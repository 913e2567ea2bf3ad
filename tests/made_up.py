"""A results folder with made-up scores and projections, as the workflow would leave it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from scbench.config import load_config, scored_metrics, write_config
from scbench.files import write_embedding, write_scores, write_table, write_truth
from scbench.metrics.catalogue import METRICS
from scbench.paths import Paths
from scbench.plan import plan_runs
from scbench.registry import load_registry
from scbench.types import Embedding

ROOT = Path(__file__).parent.parent
CONTROLS = ["random_embedding", "cell_type_oracle", "shuffled_within_cell_type"]
NASTY = [
    "<script>alert(1)</script>",
    "a & b",
    "under_score",
    "100 %",
    "Zölläkerzelle",
    '"quoted"',
    "$x^2$",
    "back\\slash",
]


def make_config(
    folder: Path, n_datasets: int = 3, n_methods: int = 4, n_seeds: int = 2, labels=(), unlabelled=()
) -> dict:
    """Return a configuration of made-up datasets and of methods m0, m1, ..., the baseline and the controls."""
    names = [f"m{place}" for place in range(n_methods)]
    shown = {name: label for name, label in zip(names, [*labels, *names[len(labels) :]], strict=True)}
    datasets = {
        f"data_{place}": {
            "path": "made_up.h5ad",
            "batch_key": "batch",
            "label_key": None if place in unlabelled else "type",
        }
        for place in range(n_datasets)
    }
    overrides = {
        "benchmark": {
            "datasets": list(datasets),
            "methods": ["unintegrated", *names, "scdml_oracle_k"],
            "controls": CONTROLS,
            "seeds": list(range(n_seeds)),
            "results": str(folder),
        },
        "datasets": datasets,
        "methods": {"cvae_nb": {"variants": {name: {"label": label} for name, label in shown.items()}}},
    }
    return load_config(ROOT / "config", overrides)


def make_results(
    folder: Path, config: dict, *, n_cells: int = 60, types=("T cell", "B cell"), batches=("x", "y"), broken=()
) -> Paths:
    """Write a results folder; runs of `broken`, (dataset, method, seed), have failed."""
    at = Paths(str(folder))
    write_config(at.config, config)
    metrics = {name: group for group, names in scored_metrics(config["metrics"]).items() for name in names}
    for dataset in config["benchmark"]["datasets"]:
        truth = _truth(n_cells, types if config["datasets"][dataset]["label_key"] else ("",), batches)
        write_truth(at.data(dataset, "truth.tsv.gz"), truth)
        for name in ("raw.h5ad", "dataset.h5ad"):
            Path(at.data(dataset, name)).touch()
    for run in plan_runs(config, load_registry(config["methods"])):
        if run.status != "planned":
            continue
        key = (run.dataset, run.method, run.seed)
        if key in broken:
            log = Path(at.run_log(*key, "integrate"))
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(
                "epoch 1 of 10\nTraceback (most recent call last):\nValueError: loss is <nan> & training stopped\n"
            )
            continue
        _write_run(at, key, metrics, labelled=config["datasets"][run.dataset]["label_key"] is not None, n_cells=n_cells)
    return at


def _truth(n_cells: int, types, batches) -> pd.DataFrame:
    places = np.arange(n_cells)
    named = {"batch": np.array(batches)[places % len(batches)], "cell_type": np.array(types)[places // 2 % len(types)]}
    return pd.DataFrame({"cell_id": [f"cell_{place}" for place in places], **named})


def _write_run(at: Paths, key: tuple[str, str, int], metrics: dict[str, str], *, labelled: bool, n_cells: int) -> None:
    dataset, method, seed = key
    random = np.random.default_rng([sum(map(ord, dataset)), sum(map(ord, method)), seed])
    cells = pd.Index(["cell_0"])
    record = {"method": method, "seed": seed, "parameters": {"width": 3}, "device": "cpu", "code_digest": "0" * 16}
    write_embedding(at.run(*key, "embedding.h5ad"), Embedding(np.zeros((1, 2), np.float32)), cells, record)
    rows = []
    for name, group in metrics.items():
        ok = labelled or "labels" not in METRICS[name].needs
        value = random.uniform(0, 1) if ok else np.nan
        status = ("ok", "") if ok else ("not_applicable", "the dataset has no cell types")
        rows.append((dataset, method, seed, name, group, value, *status, "made up"))
    columns = ["dataset", "method", "seed", "metric", "group", "value", "status", "reason", "implementation"]
    write_scores(at.run(*key, "scores.tsv"), pd.DataFrame(rows, columns=columns))
    measured = {"s": random.uniform(1, 100), "cpu_time": 1.0, "max_rss": random.uniform(100, 900)}
    Path(at.run(*key, "benchmark.jsonl")).write_text(json.dumps(measured) + "\n")
    xy = random.normal(size=(n_cells, 2)).round(4)
    table = pd.DataFrame({"cell_id": [f"cell_{place}" for place in range(n_cells)], "x": xy[:, 0], "y": xy[:, 1]})
    write_table(at.run(*key, "umap.tsv.gz"), table)
