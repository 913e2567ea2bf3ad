"""The command line for one data set, without Snakemake: scbench vae | cvae | compare.

Everything runs with the defaults of config/, as the workflow does, and lands in a folder per run.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd

CONFIG_FOLDER = Path(__file__).parents[2] / "config"
RECONSTRUCTIONS = ["nb", "zinb", "poisson", "gaussian"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a mistake in the input ends it with one sentence and exit code 2."""
    options = _parser().parse_args(arguments)
    from scbench.config import ConfigError
    from scbench.neural.training import TrainingError
    from scbench.runner import DeviceError
    from scbench.types import ContractError

    try:
        if options.command == "compare":
            _compare(options)
        else:
            _train(options)
    except (ConfigError, ContractError, DeviceError, TrainingError, ValueError) as error:
        print(f"scbench: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scbench", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument("--adata", type=Path, help="cells with their batches (.h5ad): raw counts, or processed cells "
                      "whose raw counts are in --counts or layers['counts']")  # fmt: skip
    data.add_argument("--counts", type=Path, help="raw counts (.h5ad) of the cells of --adata")
    data.add_argument("--batch-key", default="batch", help="column of obs with the batches (default: batch)")
    data.add_argument("--label-key", default=None, help="column of obs with the cell types; they colour plots and "
                      "score, they do not train (default: cell_type or celltype, if there)")  # fmt: skip
    data.add_argument("--out", type=Path, default=Path("results_comparison"), help="default: results_comparison")
    data.add_argument("--seed", type=int, default=0)
    data.add_argument("--device", choices=["auto", "cpu", "gpu"], default="auto")
    data.add_argument("--threads", type=int, default=1)
    data.add_argument("--epochs", type=int, default=None, help="of the trained methods (default: by the data's size)")
    data.add_argument("--save-only", type=Path, metavar="FOLDER", help="draw again from the stored results in FOLDER")

    for name, text in {"vae": "VAE, blind to the batch", "cvae": "VAE whose decoder knows the batch"}.items():
        one = commands.add_parser(name, parents=[data], help=text, description=text)
        one.add_argument("--recon", choices=RECONSTRUCTIONS, default=None, help="likelihood (default: nb)")
        one.add_argument("--latent-dim", type=int, default=None)
        one.add_argument("--beta", type=float, default=None, help="final weight of the KL term")
        one.add_argument("--size-factor", choices=["multiply", "concat"], default=None)
        if name == "cvae":
            prior = one.add_mutually_exclusive_group()
            prior.add_argument("--mog", dest="prior", action="store_const", const="mog", help="mixture prior")
            prior.add_argument("--vamp", dest="prior", action="store_const", const="vamp", help="VampPrior")
            prior.add_argument("--normal", dest="prior", action="store_const", const="normal", help="N(0, I)")
            prior.add_argument("--cond-prior", dest="prior", action="store_const", const="conditional",
                               help="p(z|batch), which takes away what mixes the batches")  # fmt: skip
            one.add_argument("--cond-in-encoder", dest="condition_encoder", action="store_true", default=None)
    compare = commands.add_parser("compare", parents=[data], help="all methods on one file, with their scores")
    compare.add_argument("--methods", nargs="+", default=None, help="default: those of config/config.yaml")
    return parser


def _train(options: argparse.Namespace) -> None:
    method = {"vae": "vae_nb", "cvae": "cvae_nb"}[options.command]
    if options.save_only:
        _draw(options.save_only)
        return
    names = ["latent_dim", "beta", "size_factor", "prior", "condition_encoder"]
    changes = {name: getattr(options, name) for name in names if getattr(options, name, None) is not None}
    if options.recon:
        changes["likelihood"] = options.recon
    config = _config({method: changes})
    dataset, truth = _prepare(options, config["preprocessing"])
    stamp = time.strftime("%Y%m%d_%H%M%S")
    folder = options.out / f"{method.upper()}_{stamp}"
    _run(method, config, dataset, truth, folder, options)
    _draw(folder)
    print(f"finished: {folder}")


def _compare(options: argparse.Namespace) -> None:
    if options.save_only:
        for folder in sorted(path.parent for path in options.save_only.glob("*/embedding.h5ad")):
            _draw(folder)
        _print_table(options.save_only)
        return
    config = _config({})
    chosen = options.methods or config["benchmark"]["methods"]
    unknown = [name for name in chosen if name not in _registry(config)]
    if unknown:
        raise ValueError(f"--methods: {', '.join(unknown)} is not declared in config/methods.yaml")
    dataset, truth = _prepare(options, config["preprocessing"])
    folder = options.out / f"compare_{time.strftime('%Y%m%d_%H%M%S')}"
    tables = []
    for name in chosen:
        print(f"\n== {name}", flush=True)
        try:
            tables.append(_run(name, config, dataset, truth, folder / name, options, score=True))
            _draw(folder / name)
        except Exception as error:  # one method that fails does not cost the others
            print(f"{name} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    if not tables:
        raise ValueError("no method gave a result; their errors stand above")
    from scbench.files import write_scores

    write_scores(folder / "scores.tsv", pd.concat(tables, ignore_index=True))
    _print_table(folder)
    print(f"finished: {folder}")


def _config(changes: dict[str, dict]) -> dict:
    from scbench.config import load_config

    overrides = {"methods": {name: {"params": params} for name, params in changes.items() if params}}
    return load_config(CONFIG_FOLDER, overrides)


def _registry(config: dict):
    from scbench.registry import load_registry

    return load_registry(config["methods"])


def _prepare(options: argparse.Namespace, settings: dict):
    """The data set and truth of --adata and --counts; genes marked highly variable in --adata are kept as they are."""
    from scbench.datasets.one_file import read_one_file

    if options.adata is None:
        raise ValueError("--adata: name the file with the cells (.h5ad), or --save-only a folder of results")
    return read_one_file(
        options.adata, options.counts, batch_key=options.batch_key, label_key=options.label_key, settings=settings
    )


def _run(name: str, config: dict, dataset, truth, folder: Path, options, score: bool = False) -> pd.DataFrame | None:
    """Run one method and write what a run of the workflow writes; with `score`, return its scores."""
    from scbench.files import method_input, write_embedding, write_model, write_table, write_truth
    from scbench.provenance import PACKAGES_OF_METHODS, package_versions
    from scbench.registry import method_parameters
    from scbench.runner import choose_device, run_method

    method = _registry(config)[name]
    labels = truth["cell_type"].to_numpy()
    if method.uses_labels and (labels == "").any():
        raise ValueError(f"{name} uses cell types; name their column with --label-key")
    device = choose_device(options.device, wants_gpu=method.gpu > 0)
    data = method_input(dataset, "data", method.input, labels if method.uses_labels else None)
    folder.mkdir(parents=True, exist_ok=True)
    params = dict(method.params)
    if options.epochs and "epochs" in method_parameters(method.module):
        params["epochs"] = options.epochs
    data = replace(data, checkpoint=folder / "checkpoint.pt")
    record = {}
    if method.gene_vectors:
        from scbench.gene_knowledge.sources import make_vectors

        vectors, record["gene_vectors"] = make_vectors(dataset, method.gene_vectors, config["gene_knowledge"])
        data = replace(data, gene_vectors=vectors)
    result = run_method(method.module, data, seed=options.seed, device=device, threads=options.threads, params=params)
    versions = package_versions(*PACKAGES_OF_METHODS)
    record |= {"method": name, "seed": options.seed, "parameters": params, "device": device, "versions": versions}
    if method.trained:
        write_table(folder / "history.tsv", result.history)
        write_model(folder / "model.pt", result.model)
    write_truth(folder / "truth.tsv.gz", truth)
    write_embedding(folder / "embedding.h5ad", result, dataset.obs_names, record)
    for checkpoint in folder.glob("checkpoint*.pt"):
        checkpoint.unlink()
    return _score(name, config, dataset, truth, result, options) if score else None


def _score(name: str, config: dict, dataset, truth, result, options) -> pd.DataFrame:
    from scbench.files import SCORE_COLUMNS, cell_cycle_phases
    from scbench.metrics.suite import score_embedding

    scores = score_embedding(
        result.X,
        pca=dataset.obsm["X_pca"],
        batch=truth["batch"].to_numpy(),
        labels=truth["cell_type"].to_numpy(),
        clusters=result.cluster,
        phases=cell_cycle_phases(dataset),
        metrics=config["metrics"],
        threads=options.threads,
    )
    return scores.assign(dataset="data", method=name, seed=options.seed)[SCORE_COLUMNS]


def _draw(folder: Path) -> None:
    """Write the exports of the run in `folder` from its stored results."""
    from scbench.files import read_embedding, read_table, read_truth
    from scbench.report.exports import export_run

    if not (folder / "embedding.h5ad").exists():
        raise ValueError(f"{folder}: holds no embedding.h5ad; name the folder of one finished run")
    truth = read_truth(folder / "truth.tsv.gz")
    X, clusters = read_embedding(folder / "embedding.h5ad", pd.Index(truth["cell_id"]))
    history = read_table(folder / "history.tsv") if (folder / "history.tsv").exists() else None
    export_run(folder, X, truth, title=folder.name, clusters=clusters, history=history)


def _print_table(folder: Path) -> None:
    from tabulate import tabulate

    from scbench.files import read_scores

    scores = read_scores(folder / "scores.tsv")
    table = scores.pivot(index="method", columns="metric", values="value")
    table = table[list(dict.fromkeys(scores["metric"]))].dropna(axis=1, how="all")
    print(tabulate(table.round(3), headers="keys", floatfmt=".3f"))


if __name__ == "__main__":
    sys.exit(main())
