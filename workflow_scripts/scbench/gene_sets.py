"""Sets of genes in the format .gmt: one set per line, name, source and gene symbols with tabs between them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from scbench.types import ContractError

PATHWAYS = Path(__file__).with_name("pathways.gmt")  # 32 human pathways of Reactome (licence CC0), with HGNC symbols


def read_gmt(path: str | Path | zipfile.Path) -> dict[str, list[str]]:
    """Read {name of the set: gene symbols}.

    Raises
    ------
    ContractError
        If a line has fewer than three fields, or a name occurs twice.
    """
    sets: dict[str, list[str]] = {}
    text = (Path(path) if isinstance(path, str) else path).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        name, *rest = line.split("\t")
        if len(rest) < 2:
            raise ContractError(f"{path}: line {number} is not a name, a source and genes with tabs between them")
        if name in sets:
            raise ContractError(f"{path}: line {number}: there is another set '{name}'; rename one of them")
        sets[name] = [gene for gene in rest[1:] if gene]
    return sets
