"""Collect what the page shows from a results folder, and write the page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scbench.data_reports import data_warnings
from scbench.files import read_scores, read_table, read_truth, write_text
from scbench.paths import Paths
from scbench.ranking.summary import APART
from scbench.report.figures import OKABE_ITO, UNKNOWN_COLOUR
from scbench.report.labels import APART_HEADINGS
from scbench.report.page.citations import bibtex, read_citations
from scbench.report.page.projections import cells_per_run, pack_dataset
from scbench.report.page.provenance import run_content, settings, setups, without_result
from scbench.report.page.scores import metric_content, plain, records, score_content, t_quantiles

FOLDER = Path(__file__).parent
SCRIPTS = (
    "vendor/tabulator.min.js",
    "vendor/plotly-gl2d.min.js",
    "totals.js",
    "table.js",
    "pictures.js",
    "projections.js",
    "page.js",
)
STYLES = ("vendor/tabulator_simple.min.css", "page.css")
LICENCES = {"Tabulator 6.5.3": "vendor/tabulator-LICENSE.txt", "Plotly.js 3.7.0": "vendor/plotly-LICENSE.txt"}
ASSETS = ("template.html.j2", *SCRIPTS, *STYLES, *LICENCES.values())
TEXT = ["dataset", "method", "other", "test", "level", "name", "metric", "note", "status", "reason", "log"]
PROJECTIONS = {"umap": "UMAP", "tsne": "t-SNE"}


def write_page(
    path: str | Path,
    at: Paths,
    *,
    config: Mapping[str, Any],
    methods: Mapping[str, Mapping[str, Any]],
    coverage: pd.DataFrame,
    robust: Mapping[str, Sequence[str]],
    citations: str | Path,
    version: str,
    partial: bool = False,
) -> None:
    """Write the result page of the results folder `at`.

    Parameters
    ----------
    config
        The merged configuration of the benchmark.
    methods
        {method: {label, kind, doi}} of all planned methods; kind as in tables (`Method.reported_kind`).
    coverage
        See `scbench.coverage.coverage`.
    robust
        See `scbench.ranking.summary.summarise`.
    citations
        BibTeX file with entries for the DOIs of methods and datasets.
    version
        Of this benchmark.
    partial
        Whether to read the tables of `scbench summarise` in partial/ instead of those in summary/.

    Raises
    ------
    FileNotFoundError
        If the results folder has no summary.
    """
    tables = _read_tables(at.partial if partial else at.summary)
    content, packed = page_content(tables, at, config=config, methods=methods, coverage=coverage)
    content["robust"] = {group: list(names) for group, names in robust.items()}
    content["bibtex"] = bibtex(
        [*(one["doi"] for one in content["methods"]), *(one["doi"] for one in content["datasets"])],
        read_citations(citations),
    )
    write_text(path, render(content, packed, version=version))


def page_content(
    tables: Mapping[str, pd.DataFrame],
    at: Paths,
    *,
    config: Mapping[str, Any],
    methods: Mapping[str, Mapping[str, Any]],
    coverage: pd.DataFrame,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the content of the page, and the packed projections as {id of their element: text}."""
    kinds = {name: method["kind"] for name, method in methods.items()}
    names = list(dict.fromkeys(coverage["dataset"]))
    metrics = config["metrics"]
    truths = {name: _truth(at, name) for name in names}
    packed: dict[str, str] = {}
    projection = config.get("plots", {}).get("projection", "umap")
    content = {
        "weights": metrics["weights"],
        "scaling": metrics["scaling"],
        "methods": [{"id": name, "doi": None, **method} for name, method in methods.items()],
        "metrics": metric_content(tables["scores"]),
        "datasets": [_dataset(name, config["datasets"].get(name, {}), truths[name], at) for name in names],
        "scores": score_content(tables["scores"], kinds, metrics["scaling"]),
        "t": t_quantiles(max(len(names), tables["scores"]["seed"].nunique())),
        "runs": run_content(coverage),
        "overall": records(tables["overall"]),
        "rank_tests": records(tables["rank_tests"]),
        "resources": {name: plain(column) for name, column in tables["resources"].items()},
        "by_type": records(tables.get("by_type")),
        "projection": PROJECTIONS.get(projection, projection),
        "projections": _projections(at, coverage, truths, projection, packed),
        "setups": setups(coverage[["dataset", "method", "seed"]].itertuples(index=False, name=None), at),
        "settings": settings(config, methods, names),
        "palette": [*OKABE_ITO, UNKNOWN_COLOUR],
        "apart": [[kind, APART_HEADINGS[kind]] for kind in sorted(APART, key=lambda kind: APART[kind])],
    }
    return content, packed


def render(content: Mapping[str, Any], packed: Mapping[str, str], *, version: str) -> str:
    """Return the page as HTML; everything it needs is inside."""
    import yaml
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    files = {name: (FOLDER / name).read_text(encoding="utf-8") for name in ASSETS if not name.endswith(".j2")}
    inlined = {name: re.sub(r"(//|/\*)# sourceMappingURL=.*", "", text) for name, text in files.items()}
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = {name: value for name, value in content.items() if name != "settings"}
    return environment.get_template("template.html.j2").render(
        content,
        data=json.dumps(shown, allow_nan=False).replace("<", "\\u003c"),
        packed=packed,
        version=version,
        counts=pd.Series([run["status"] for run in content["runs"]]).value_counts().to_dict(),
        labels={one["id"]: one["label"] for one in content["methods"]},
        incomplete=without_result(content["runs"]),
        settings_text=yaml.safe_dump(content["settings"], sort_keys=False, allow_unicode=True, width=100),
        scripts=[inlined[name] for name in SCRIPTS],
        styles=[inlined[name] for name in STYLES],
        licences={name: inlined[file] for name, file in LICENCES.items()},
    )


def _read_tables(where) -> dict[str, pd.DataFrame]:
    for name in ("scores", "overall", "rank_tests", "resources"):
        if not Path(where(f"{name}.tsv")).exists():
            raise FileNotFoundError(f"{where(f'{name}.tsv')}: does not exist; run the benchmark to the end first")
    tables = {"scores": read_scores(where("scores.tsv"))}
    for name in ("overall", "rank_tests", "resources", "by_type"):
        if Path(where(f"{name}.tsv")).exists():
            tables[name] = read_table(where(f"{name}.tsv"), text=TEXT)
    return tables


def _truth(at: Paths, dataset: str) -> pd.DataFrame | None:
    path = at.data(dataset, "truth.tsv.gz")
    return read_truth(path) if Path(path).exists() else None


def _dataset(name: str, entry: Mapping[str, Any], truth: pd.DataFrame | None, at: Paths) -> dict[str, Any]:
    source = next((key for key in ("simulate", "path", "url") if key in entry), "")
    described = {key: entry.get(key) for key in ("doi", "citation", "licence")}
    described |= {"id": name, "source": source, "cells": None, "batches": None, "types": None}
    described["warnings"] = data_warnings(at.data(name, "data_report.json"))
    if truth is not None:
        types = truth["cell_type"][truth["cell_type"] != ""].nunique()
        described |= {"cells": len(truth), "batches": truth["batch"].nunique(), "types": types}
    return described


def _projections(at: Paths, coverage, truths, projection: str, packed: dict[str, str]) -> dict[str, Any]:
    """Pack the projections of all runs into `packed`, and return {dataset: description}."""
    files: dict[str, dict[tuple[str, int], str]] = {}
    for run in coverage.itertuples():
        path = at.run(run.dataset, run.method, run.seed, f"{projection}.tsv.gz")
        if truths[run.dataset] is not None and Path(path).exists():
            files.setdefault(run.dataset, {})[run.method, int(run.seed)] = path
    max_cells = cells_per_run(sum(map(len, files.values())))
    found = {}
    for name, of_runs in files.items():
        found[name], texts = pack_dataset(of_runs, truths[name], name=name, max_cells=max_cells)
        found[name]["elements"] = [f"packed-{len(packed) + place}" for place in range(len(texts))]
        packed |= zip(found[name]["elements"], texts, strict=True)
    return found
