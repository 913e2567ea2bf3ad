"""BibTeX entries of methods and datasets, found by their DOI in config/citations.bib."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

ENTRY = re.compile(r"^@\w+\{.*?^\}$", flags=re.DOTALL | re.MULTILINE)
DOI = re.compile(r"^\s*doi\s*=\s*[{\"]([^}\"]+)[}\"]", flags=re.IGNORECASE | re.MULTILINE)


def read_citations(path: str | Path) -> dict[str, str]:
    """Return {DOI: entry} of a BibTeX file; entries without a DOI are left out."""
    entries = ENTRY.findall(Path(path).read_text(encoding="utf-8"))
    return {found[1].lower(): entry for entry in entries if (found := DOI.search(entry))}


def bibtex(dois: Iterable[str | None], citations: dict[str, str]) -> dict[str, str]:
    """Return {DOI: entry}; a DOI that `citations` lacks gets an entry with nothing but its address."""
    wanted = dict.fromkeys(doi for doi in dois if doi)
    return {doi: citations.get(doi.lower()) or _only_doi(doi) for doi in wanted}


def _only_doi(doi: str) -> str:
    key = "doi_" + re.sub(r"[^0-9a-zA-Z]+", "_", doi)
    return f"@misc{{{key},\n  doi = {{{doi}}},\n  url = {{https://doi.org/{doi}}},\n}}"
