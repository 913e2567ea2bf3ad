"""Score embeddings in obsm of one file, without running any method."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from scbench.commands.common import default_config, print_scores

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def add(commands) -> None:
    """Add `score` to the parser of the command line."""
    text = "score embeddings of one file, as the workflow scores them"
    parser = commands.add_parser("score", help=text, description=text)
    parser.add_argument("--adata", type=Path, required=True, help="cells with batches and embeddings (.h5ad)")
    parser.add_argument("--obsm", nargs="+", required=True, metavar="KEY", help="embeddings to score")
    parser.add_argument("--batch-key", default="batch", help="column of obs with batches (default: batch)")
    parser.add_argument("--label-key", default=None, help="column of obs with cell types (default: none; metrics that "
                        "need them are not applicable)")  # fmt: skip
    before = parser.add_mutually_exclusive_group()
    before.add_argument("--counts-layer", default=None, help="layer with raw counts, from which the PCA before "
                        "integration is computed (default: counts, if present, else X)")  # fmt: skip
    before.add_argument("--pca", default=None, metavar="KEY", help="obsm with the PCA before integration, if there are "
                        "no raw counts")  # fmt: skip
    parser.add_argument("--preset", default="scib", help="metrics: fast, scib (default) or full")
    parser.add_argument("-o", "--out", type=Path, default=None, help="also write the scores to this file (.tsv)")
    parser.add_argument("--threads", type=int, default=1)
    parser.set_defaults(run=score)


def score(options: argparse.Namespace) -> None:
    """Score every embedding, print the table of metrics and embeddings, and why values are missing."""
    import pandas as pd

    from scbench.files import write_scores

    config = default_config({})
    presets = config["metrics"]["presets"]
    if options.preset not in presets:
        raise ValueError(f"--preset: '{options.preset}' is not declared; known: {', '.join(presets)}")
    print(f"reading {options.adata}" + ("" if options.pca else " and computing the PCA before integration"), flush=True)
    embeddings, scores_of = _prepared(options, config["preprocessing"])
    tables = []
    for number, (key, X) in enumerate(embeddings.items(), start=1):
        print(f"[{number}/{len(embeddings)}] {key}: {X.shape[0]} cells, {X.shape[1]} dimensions", flush=True)
        start = time.monotonic()
        tables.append(scores_of(X, key, presets[options.preset]))
        print(f"    scored in {time.monotonic() - start:.0f} s", flush=True)
    scores = pd.concat(tables, ignore_index=True)
    print()
    print_scores(scores)
    _print_missing(scores)
    if options.out:
        write_scores(options.out, scores)
        print(f"written: {options.out}")


def _prepared(options: argparse.Namespace, settings: dict) -> tuple[dict[str, np.ndarray], Callable[..., pd.DataFrame]]:
    """Return {key: embedding} and the function that scores one, given its key and the metrics."""
    from scbench.checks import SCORE_COLUMNS
    from scbench.datasets.one_file import read_with_counts, read_with_pca
    from scbench.metrics.suite import score_embedding, score_run

    keys = {"batch_key": options.batch_key, "label_key": options.label_key}
    run = {"dataset": options.adata.stem, "seed": 0}
    if options.pca:
        embeddings, cells = read_with_pca(options.adata, options.obsm, **keys, pca=options.pca)

        def scores_of(X, key, metrics):
            scores = score_embedding(X, **cells, metrics=metrics, threads=options.threads)
            return scores.assign(**run, method=key)[SCORE_COLUMNS]

        return embeddings, scores_of
    layer = options.counts_layer
    embeddings, adata, truth = read_with_counts(
        options.adata, options.obsm, **keys, counts_layer=layer, settings=settings
    )

    def scores_like_a_run(X, key, metrics):
        return score_run(X, None, adata, truth, **run, method=key, metrics=metrics, threads=options.threads)["scores"]

    return embeddings, scores_like_a_run


def _print_missing(scores: pd.DataFrame) -> None:
    """Print one line per reason why metrics have no value."""
    names = scores["metric"].where(
        scores.groupby("metric")["status"].transform("nunique") == 1, scores["metric"] + " (" + scores["method"] + ")"
    )
    absent = scores.assign(name=names)[scores["status"] != "ok"]
    for (status, reason), rows in absent.groupby(["status", "reason"], sort=False):
        print(f"{status.replace('_', ' ')}: {reason}: {', '.join(rows['name'].unique())}")
