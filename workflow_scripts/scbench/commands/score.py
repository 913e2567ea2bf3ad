"""Score embeddings in obsm of one file, without running any method."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from scbench.commands.common import default_config, print_scores


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
    """Score every embedding, print the table of methods and metrics, and why values are missing."""
    import pandas as pd

    from scbench.checks import SCORE_COLUMNS
    from scbench.datasets.one_file import read_embeddings
    from scbench.files import write_scores
    from scbench.metrics.suite import score_embedding

    config = default_config({})
    presets = config["metrics"]["presets"]
    if options.preset not in presets:
        raise ValueError(f"--preset: '{options.preset}' is not declared; known: {', '.join(presets)}")
    print(f"reading {options.adata}" + ("" if options.pca else " and computing the PCA before integration"), flush=True)
    embeddings, cells = read_embeddings(
        options.adata,
        options.obsm,
        batch_key=options.batch_key,
        label_key=options.label_key,
        counts_layer=options.counts_layer,
        pca=options.pca,
        settings=config["preprocessing"],
    )
    tables = []
    for number, (key, X) in enumerate(embeddings.items(), start=1):
        print(f"[{number}/{len(embeddings)}] {key}: {X.shape[0]} cells, {X.shape[1]} dimensions", flush=True)
        start = time.monotonic()
        scored = score_embedding(X, **cells, metrics=presets[options.preset], threads=options.threads)
        tables.append(scored.assign(dataset=options.adata.stem, method=key, seed=0)[SCORE_COLUMNS])
        print(f"    scored in {time.monotonic() - start:.0f} s", flush=True)
    scores = pd.concat(tables, ignore_index=True)
    print()
    print_scores(scores)
    absent = scores[scores["status"] != "ok"]
    for (metric, status, reason), rows in absent.groupby(["metric", "status", "reason"], sort=False):
        of = "" if len(rows) == len(embeddings) else f" for {', '.join(rows['method'])}"
        print(f"{metric}{of}: {status.replace('_', ' ')}: {reason}")
    if options.out:
        write_scores(options.out, scores)
        print(f"written: {options.out}")
