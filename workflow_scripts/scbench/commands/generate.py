"""Generate cells with the trained model of a run: sample, translate, interpolate, correct."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from scbench.commands.trained import of_cells, of_run, read_query, read_state, write_cells

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from scbench.autoencoders.count_vae import CountVae


def add(commands) -> None:
    """Add `sample`, `translate`, `interpolate` and `correct` to the parser of the command line."""
    text = "draw new cells of a batch: counts"
    one = commands.add_parser("sample", help=text, description=text, parents=[of_run()])
    one.add_argument("-n", "--cells", dest="n", type=_positive, default=1000, help="number of cells (default: 1000)")
    one.add_argument("--batch", required=True, help="batch of the training data")
    one.add_argument("--library", type=float, default=None, help="mean counts of a cell (default: that of the training "
                     "data after normalisation)")  # fmt: skip
    one.add_argument("--seed", type=int, default=0)
    one.set_defaults(run=sample)

    text = "show cells as another batch would: mean counts"
    one = commands.add_parser("translate", help=text, description=text, parents=[of_run(), of_cells()])
    one.add_argument("--to-batch", required=True, help="batch of the training data")
    one.set_defaults(run=translate)

    text = "decode points between two cells: normalised means"
    one = commands.add_parser("interpolate", help=text, description=text, parents=[of_run(), of_cells()])
    one.add_argument("--cells", nargs=2, required=True, metavar="ID", help="first and last cell")
    one.add_argument("--points", type=_positive, default=10, help="number of points (default: 10)")
    one.add_argument("--in-batch", required=True, help="batch of the training data")
    one.set_defaults(run=interpolate)

    text = "expression without batch effects: log1p of normalised means; its HVG are compared with those before"
    one = commands.add_parser("correct", help=text, description=text, parents=[of_run(), of_cells()])
    one.set_defaults(run=correct)


def sample(options: argparse.Namespace) -> None:
    """Write new cells of one batch, with counts in X."""
    import pandas as pd

    from scbench.autoencoders import generation

    model, known = _read_model(options)
    library = float(model.scaled_total) if options.library is None else options.library
    if not library > 0:
        raise ValueError(f"--library: {library:g} must be above 0")
    code = _code(known, "--batch", options.batch)
    X = generation.sample(model, options.n, batch=code, library=library, seed=options.seed)
    cells = pd.DataFrame({"batch": options.batch}, index=[f"new_{i}" for i in range(options.n)])
    _write(options, known, X, cells, library=library, seed=options.seed)


def translate(options: argparse.Namespace) -> None:
    """Write the cells of --adata as --to-batch would show them; obs from_batch is their own batch."""
    from scbench.autoencoders import generation

    model, known = _read_model(options, conditioned=True)
    to = _code(known, "--to-batch", options.to_batch)
    cells, counts, batch = _read_cells(options, model, known)
    X = generation.translate(model, counts, batch, to_batch=to)
    _write(options, known, X, cells.assign(from_batch=cells["batch"], batch=options.to_batch))


def interpolate(options: argparse.Namespace) -> None:
    """Write the cells decoded at equal steps between two cells of --adata; obs position is 0 to 1."""
    import numpy as np
    import pandas as pd

    from scbench.autoencoders import generation

    model, known = _read_model(options)
    code = _code(known, "--in-batch", options.in_batch)
    cells, counts, batch = _read_cells(options, model, known)
    unknown = [name for name in options.cells if name not in cells.index]
    if unknown:
        raise ValueError(f"--cells: {', '.join(unknown)} is not in {options.adata}")
    ends = cells.index.get_indexer(options.cells)
    X = generation.interpolate(model, counts[ends], batch[ends], n_points=options.points, in_batch=code)
    names = [f"point_{i}" for i in range(options.points)]
    points = pd.DataFrame({"batch": options.in_batch, "position": np.linspace(0, 1, options.points)}, index=names)
    _write(options, known, X, points, cells=options.cells)


def correct(options: argparse.Namespace) -> None:
    """Write the corrected expression of the cells of --adata, and score it by the overlap of its HVG."""
    from scbench.analyses.corrected_expression import hvg_overlap
    from scbench.autoencoders import generation

    model, known = _read_model(options, conditioned=True)
    cells, counts, batch = _read_cells(options, model, known)
    X = generation.corrected_expression(model, counts, batch)
    before = counts.log_normalised()
    overlap, n_genes = hvg_overlap(before, X, cells["batch"].to_numpy())
    chance = n_genes / X.shape[1]
    print(f"HVG overlap, mean over batches: {overlap:.3f} of the {n_genes} most variable genes; by chance {chance:.3f}")
    _write(options, known, X, cells, hvg_overlap=overlap)


def _positive(text: str) -> int:
    if not (text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def _read_model(options: argparse.Namespace, *, conditioned: bool = False) -> tuple[CountVae, dict[str, Any]]:
    """Return the model and what it was trained on; with `conditioned`, refuse one that does not receive the batch."""
    from scbench.analyses.mapping import trained_on
    from scbench.autoencoders.count_vae import CountVae
    from scbench.neural.fit import load

    state = read_state(options.model)
    known = trained_on(state)
    if state["kind"] != CountVae.__name__:
        raise ValueError(f"{options.model}: {known['method']} does not generate counts; use a run of cvae_nb or vae_nb")
    model = load(state, CountVae)
    if conditioned and model.options.condition == "none":
        raise ValueError(f"{options.model}: {known['method']} is not batch-conditioned; use a run of cvae_nb")
    return model, known


def _code(known: dict[str, Any], option: str, name: str) -> int:
    if name not in known["batches"]:
        raise ValueError(
            f"{option}: the model does not know the batch '{name}'; it knows {', '.join(known['batches'])}"
        )
    return known["batches"].index(name)


def _read_cells(options: argparse.Namespace, model: CountVae, known: dict[str, Any]) -> tuple[pd.DataFrame, Any, Any]:
    """Return obs, counts with the genes of the model and batch codes of the cells of --adata."""
    from scbench.analyses.mapping import batch_codes

    cells, counts, _ = read_query(options, {"trained_on": known})
    return cells.obs, counts, batch_codes(model, known["batches"], cells.obs["batch"].astype(str).to_numpy())


def _write(options: argparse.Namespace, known: dict[str, Any], X: np.ndarray, obs: pd.DataFrame, **record: Any) -> None:
    import anndata
    import pandas as pd

    cells = anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=known["genes"]))
    cells.uns["generation"] = json.dumps({"command": options.command, "method": known["method"], **record})
    write_cells(options.out, cells)
    print(f"written: {options.out} ({cells.n_obs} cells, {cells.n_vars} genes)")
