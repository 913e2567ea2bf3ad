# What the figures and the paper are made of; no rules.
TABLES = [*SHOWN_DATASETS, "overall"]
FIGURE_SUFFIXES = ("svg", "png", "pdf", "tsv")
TABLE_SUFFIXES = ("md", "tsv", "tex")
PUBLISHED = ROOT / "config/published"
WITH_PUBLISHED = sorted(published_datasets(PUBLISHED) & set(SHOWN_DATASETS))


def figure_tables(id):
    """Return {name: file} of the tables that a figure of the catalogue is drawn from."""
    places = {"summary": AT.summary, "tables": AT.table}
    reads = [(name, places[folder](f"{name}.tsv")) for folder, name in (read.split("/") for read in FIGURES[id].reads)]
    analysis = FIGURES[id].analysis
    return dict(reads) | ({analysis: AT.table(f"{analysis}.tsv")} if analysis else {})


def figure_files(id):
    """Return the files of a figure of the catalogue, or an empty list if its analysis has no runs."""
    analysis = FIGURES[id].analysis
    return [] if analysis and not analysed(analysis) else [AT.figure(f"{id}.{suffix}") for suffix in FIGURE_SUFFIXES]


def without(id):
    """Return why a figure of an analysis is left out, or an empty text."""
    declared = [name for name, method in METHODS.items() if id in method.analyses]
    return "" if analysed(id) else f"needs a dataset with cell types and one of the methods {', '.join(declared)}"


def paper_entries():
    """Yield (kind, name, title, caption, made of, why it is left out or "") of all figures and tables, in order."""
    scores, runs = "summary/summary.tsv", "summary/scores.tsv"
    unpublished = "" if WITH_PUBLISHED else "no dataset of this configuration is in config/published/values.tsv"
    yield "table", "datasets", "Datasets", "datasets", "{dataset}/dataset.h5ad, {dataset}/truth.tsv.gz", ""
    yield "figure", "scores_overall", "Totals on all datasets", "scores", scores, ""
    yield "table", "overall", "Totals on all datasets", "tables", scores, ""
    yield "figure", "bio_batch", "Bio conservation against batch correction", "bio_batch", scores, ""
    yield "figure", "ranking", "Ranking with critical differences", "ranking", "summary/overall.tsv", ""
    yield "table", "ranking", "Ranking and its uncertainty", "ranking", "summary/overall.tsv", ""
    yield "table", "published", "Published scores beside ours", "published", scores, unpublished
    yield "table", "claims", "Claims", "claims", runs, ""
    for id in ABLATIONS:
        yield "figure", f"ablation_{id}", f"Ablation: {METHODS[id].label}", "ablation", scores, ""
    if not ABLATIONS:
        yield "figure", "ablation", "Ablations", "ablation", scores, "benchmark.ablations lists no methods"
    for kind, id in [("table", "disentanglement"), ("figure", "self_training"), ("figure", "gene_vectors")]:
        yield kind, id, ANALYSES[id].title.capitalize(), id, f"{{dataset}}/{{method}}/seed{{seed}}/{id}.tsv", without(
            id
        )
    for kind in ("figure", "table"):
        title, run_table = ANALYSES["annotation"].title.capitalize(), "{dataset}/{method}/seed{seed}/annotation.tsv"
        yield kind, "annotation", title, "annotation", run_table, without("annotation")
    yield "figure", "scaling", "Run time and memory", "scaling", "summary/resources.tsv", ""
    for name in SHOWN_DATASETS:
        projections = f"{name}/{{method}}/seed{{seed}}/{PROJECTION}.tsv.gz"
        yield "figure", f"{PROJECTION}_{name}", f"{PROJECTION.upper()}, {name}", "projection", projections, ""
        yield "figure", f"scores_{name}", f"Scores, {name}", "scores", scores, ""
        yield "table", name, f"Scores, {name}", "tables", scores, ""


def paper_items():
    """Return the figures and tables of the paper (see scbench.report.paper.Item) and why others are left out."""
    items, left_out = [], {}
    for kind, name, title, caption, made_of, reason in paper_entries():
        path, suffixes = (AT.figure, FIGURE_SUFFIXES) if kind == "figure" else (AT.table, TABLE_SUFFIXES)
        files = [path(f"{name}.{suffix}") for suffix in suffixes]
        text = (ROOT / "report" / f"{caption}.rst").read_text()
        if reason:
            left_out[title] = reason
        else:
            items.append({"kind": kind, "title": title, "caption": text, "files": files, "made_of": made_of})
    return items, left_out


PAPER, LEFT_OUT = paper_items()
