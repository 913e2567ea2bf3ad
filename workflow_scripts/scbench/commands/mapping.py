"""Map new cells into the embedding of a finished run."""

from __future__ import annotations

import argparse
import json

from scbench.commands.trained import of_cells, of_run, read_query, read_state, write_cells


def add(commands) -> None:
    """Add `map` to the parser of the command line."""
    text = "embed new cells with the trained encoder of a finished run"
    parser = commands.add_parser("map", help=text, description=text, parents=[of_run(), of_cells()])
    parser.set_defaults(run=map_file)


def map_file(options: argparse.Namespace) -> None:
    """Write the cells of --adata with the embedding in obsm X_emb, and say which genes and batches were new."""
    from scbench.analyses.mapping import map_cells, trained_on

    state = read_state(options.model)
    cells, counts, missing = read_query(options, state)
    batch = cells.obs["batch"].astype(str).to_numpy()
    known = trained_on(state)
    new = sorted(set(batch) - set(known["batches"]))
    cells.obsm["X_emb"] = map_cells(state, counts, batch)
    cells.uns["mapping"] = json.dumps({"method": known["method"], "missing_genes": missing, "new_batches": new})
    write_cells(options.out, cells)
    print(f"batches that {known['method']} was not trained on: {', '.join(new) or 'none'}")
    print(f"written: {options.out} ({cells.n_obs} cells, {cells.obsm['X_emb'].shape[1]} dimensions)")
