"""Run methods on one file with the defaults of config/, as in the workflow; each run writes to its own folder."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scbench.commands.common import default_config, print_scores

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

RECONSTRUCTIONS = ["nb", "zinb", "poisson", "gaussian"]
CHANGES = (
    *("latent_dim", "hidden", "beta", "free_bits", "batch_size", "learning_rate"),
    *("size_factor", "prior", "condition_encoder"),
)
SHORT_NAMES = {"vae": "vae_nb", "cvae": "cvae_nb"}  # these names are not ids of the registry


def add(commands) -> None:
    """Add `vae`, `cvae` and `compare` to the parser of the command line."""
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument("--adata", type=Path, help="cells with batches (.h5ad): raw counts, or processed data "
                      "with raw counts in --counts or layers['counts']")  # fmt: skip
    data.add_argument("--counts", type=Path, help="raw counts (.h5ad) of the cells of --adata")
    data.add_argument("--batch-key", default="batch", help="column of obs with batches (default: batch)")
    data.add_argument("--label-key", default=None, help="column of obs with cell types, used for plots and scores but "
                      "not for training (default: cell_type or celltype, if present)")  # fmt: skip
    data.add_argument("--out", type=Path, default=Path("results_comparison"), help="default: results_comparison")
    data.add_argument("--seed", type=int, default=0)
    data.add_argument("--device", choices=["auto", "cpu", "gpu"], default="auto")
    data.add_argument("--threads", type=int, default=1)
    data.add_argument("--epochs", type=int, default=None, help="of trained methods (default: depends on the data)")
    data.add_argument("--n-hvg", type=int, default=None, help="number of highly variable genes to select (default: the "
                      "genes marked in --adata, or 2000)")  # fmt: skip
    data.add_argument("--save-only", type=Path, nargs="?", const=True, metavar="FOLDER", help="redraw figures from the "
                      "results in FOLDER (default: the newest results in --out)")  # fmt: skip

    for name, text in {"vae": "VAE without batch correction", "cvae": "VAE with a batch-conditioned decoder"}.items():
        one = commands.add_parser(name, parents=[data], help=text, description=text)
        one.add_argument("--recon", choices=RECONSTRUCTIONS, default=None, help="likelihood (default: nb)")
        one.add_argument("--preset", metavar="ID", default=None, help="variant of config/methods.yaml, for example "
                         f"{SHORT_NAMES[name]}_guide; further options change it")  # fmt: skip
        one.add_argument("--latent-dim", type=int, default=None)
        one.add_argument("--hidden", type=int, nargs="+", metavar="WIDTH", default=None, help="widths of the layers of "
                         "the encoder, which the decoder mirrors")  # fmt: skip
        one.add_argument("--beta", type=float, default=None, help="final weight of the KL term")
        one.add_argument("--free-bits", type=float, default=None, help="nats per dimension without a KL penalty")
        one.add_argument("--batch-size", type=int, default=None, help="cells in a minibatch")
        one.add_argument("--lr", dest="learning_rate", type=float, default=None, help="learning rate")
        one.add_argument("--size-factor", choices=["multiply", "concat"], default=None)
        one.set_defaults(run=_train)
        if name == "cvae":
            prior = one.add_mutually_exclusive_group()
            prior.add_argument("--mog", dest="prior", action="store_const", const="mog", help="mixture prior")
            prior.add_argument("--vamp", dest="prior", action="store_const", const="vamp", help="VampPrior")
            prior.add_argument("--normal", dest="prior", action="store_const", const="normal", help="N(0, I)")
            prior.add_argument("--cond-prior", dest="prior", action="store_const", const="conditional",
                               help="p(z|batch), which weakens batch mixing")  # fmt: skip
            one.add_argument("--cond-in-encoder", dest="condition_encoder", action="store_true", default=None)
    compare = commands.add_parser("compare", parents=[data], help="run and score all methods on one file")
    compare.add_argument("--methods", nargs="+", default=None, help="default: those of config/config.yaml")
    compare.set_defaults(run=_compare)


def _train(options: argparse.Namespace) -> None:
    module = SHORT_NAMES[options.command]
    if options.save_only is not None:
        _draw(_newest(options, module.upper()) if options.save_only is True else options.save_only)
        return
    changes = {name: getattr(options, name) for name in CHANGES if getattr(options, name, None) is not None}
    if options.recon:
        changes["likelihood"] = options.recon
    config = default_config(_overrides(options, module, changes))
    adata, truth = _prepare(options, config["preprocessing"])
    method = options.preset or module
    folder = options.out / f"{method.upper()}_{time.strftime('%Y%m%d_%H%M%S')}"
    _run(method, config, adata, truth, folder, options)
    _draw(folder)
    print(f"finished: {folder}")


def _overrides(options: argparse.Namespace, module: str, changes: dict) -> dict:
    """Return what the options change in the configuration: parameters of the method or of the chosen variant."""
    own = {"params": changes}
    if options.preset and options.preset != module:
        known = default_config({})["methods"][module].get("variants", {})
        if options.preset not in known:
            raise ValueError(f"--preset: '{options.preset}' is no variant of {module}; known: {', '.join(known)}")
        own = {"variants": {options.preset: changes}}
    genes = {} if options.n_hvg is None else {"preprocessing": {"n_top_genes": options.n_hvg}}
    return {"methods": {module: own}, **genes}


def _newest(options: argparse.Namespace, name: str) -> Path:
    """Return the folder in --out that was written last, of those whose names begin with `name`."""
    files = [path for what in ("embedding.h5ad", "scores.tsv") for path in options.out.glob(f"{name}_*/{what}")]
    if not files:
        raise ValueError(f"--save-only: {options.out} holds no results of {name}; name their folder, or --out")
    return max(files, key=lambda path: path.stat().st_mtime).parent


def _compare(options: argparse.Namespace) -> None:
    from scbench.files import read_scores, write_scores

    if options.save_only is not None:
        results = _newest(options, "compare") if options.save_only is True else options.save_only
        for path in sorted(results.glob("*/embedding.h5ad")):
            _draw(path.parent)
        print_scores(read_scores(results / "scores.tsv"))
        return
    import pandas as pd

    from scbench.metrics.suite import score_run

    config = default_config({} if options.n_hvg is None else {"preprocessing": {"n_top_genes": options.n_hvg}})
    chosen = options.methods or config["benchmark"]["methods"]
    unknown = [name for name in chosen if name not in _registry(config)]
    if unknown:
        raise ValueError(f"--methods: {', '.join(unknown)} is not declared in config/methods.yaml")
    adata, truth = _prepare(options, config["preprocessing"])
    folder = options.out / f"compare_{time.strftime('%Y%m%d_%H%M%S')}"
    tables = []
    for name in chosen:
        print(f"\n== {name}", flush=True)
        try:
            X, clusters = _run(name, config, adata, truth, folder / name, options)
            run = {"dataset": "data", "method": name, "seed": options.seed}
            scored = score_run(X, clusters, adata, truth, **run, metrics=config["metrics"], threads=options.threads)
            tables.append(scored["scores"])
            _draw(folder / name)
        except Exception as error:  # a failed method does not stop the others
            print(f"{name} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    if not tables:
        raise ValueError("every method failed; their errors stand above")
    scores = pd.concat(tables, ignore_index=True)
    write_scores(folder / "scores.tsv", scores)
    print_scores(scores)
    print(f"finished: {folder}")


def _registry(config: Mapping) -> dict:
    from scbench.registry import load_registry

    return load_registry(config["methods"])


def _prepare(options: argparse.Namespace, settings: dict) -> tuple[AnnData, pd.DataFrame]:
    """Return dataset and truth from --adata and --counts; genes marked as highly variable in --adata are kept."""
    from scbench.datasets.one_file import read_one_file

    if options.adata is None:
        raise ValueError("--adata: name the file with the cells (.h5ad), or --save-only a folder of results")
    return read_one_file(
        options.adata,
        options.counts,
        batch_key=options.batch_key,
        label_key=options.label_key,
        settings=settings,
        marked=options.n_hvg is None,
    )


def _run(name: str, config: Mapping, adata: AnnData, truth: pd.DataFrame, folder: Path, options: argparse.Namespace):
    """Run one method, write the same files as a run of the workflow, and return its embedding and clusters."""
    from dataclasses import fields, replace

    from scbench.files import write_truth
    from scbench.gene_knowledge.sources import make_vectors
    from scbench.paths import Paths
    from scbench.runner import run, write_run
    from scbench.spec import parameters_class
    from scbench.types import Checkpoint

    method = _registry(config)[name]
    if options.epochs and "epochs" in {one.name for one in fields(parameters_class(method.module))}:
        method = replace(method, params={**method.params, "epochs": options.epochs})
    labels = truth["cell_type"].to_numpy()
    if method.uses_labels and (labels == "").any():
        raise ValueError(f"{name} uses cell types; name their column with --label-key")
    vectors: dict = {}
    reports: dict = {}
    if method.gene_vectors:
        vectors, reports = make_vectors(adata, method.gene_vectors, config["gene_knowledge"])
    folder.mkdir(parents=True, exist_ok=True)
    result = run(
        method,
        adata,
        dataset="data",
        seed=options.seed,
        accelerator=options.device,
        threads=options.threads,
        labels=labels,
        gene_vectors=vectors,
        gene_reports=reports,
        checkpoint=Checkpoint(folder / "checkpoint.pt"),
    )
    write_truth(folder / "truth.tsv.gz", truth)
    parts = Paths.run_parts(trained=method.trained, tables=method.tables)
    write_run(result, {part: folder / file for part, file in parts.items()})
    return result.embedding.X, result.embedding.cluster


def _draw(folder: Path) -> None:
    """Write the exports of the run in `folder` from its stored results."""
    import pandas as pd

    from scbench.analyses.exports import EXPORTS
    from scbench.files import read_embedding, read_record, read_table, read_truth
    from scbench.report.exports import export_run

    if not (folder / "embedding.h5ad").exists():
        raise ValueError(f"{folder}: holds no embedding.h5ad; name the folder of one finished run")
    truth = read_truth(folder / "truth.tsv.gz")
    X, clusters = read_embedding(folder / "embedding.h5ad", pd.Index(truth["cell_id"]))
    history = read_table(folder / "history.tsv") if (folder / "history.tsv").exists() else None
    prefix = str(read_record(folder / "embedding.h5ad")["method"]).upper()
    files = {name: folder / (f"{prefix}_{name}" if name.startswith("umap_") else name) for name in EXPORTS}
    files["umap_batch.svg"] = folder / f"{prefix}_umap_sample.svg"
    export_run(files, X, truth, title=folder.name, clusters=clusters, history=history)
    for row in read_table(files["silhouette_clusters.tsv"]).itertuples():
        print(f"silhouette of {row.n_clusters} clusters, {row.clustering}: {row.silhouette:.3f}")
