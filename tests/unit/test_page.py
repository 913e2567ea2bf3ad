"""The result page holds every score, escapes every name and loads nothing."""

import base64
import gzip
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from made_up import NASTY, make_config, make_results

from scbench.cli import main
from scbench.files import read_scores, write_table
from scbench.metrics.catalogue import METRICS
from scbench.metrics.documentation import documentation
from scbench.report.page.build import ASSETS, FOLDER
from scbench.report.page.citations import bibtex, read_citations
from scbench.report.page.projections import LEVELS, cells_per_run, pack_dataset
from scbench.types import ContractError


class Page(HTMLParser):
    """Collects the texts of the elements with an id, and every address that a browser would load."""

    def __init__(self, html: str):
        super().__init__()
        self.texts: dict[str, str] = {}
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.open = None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.loaded += [given[name] for name in ("src", "srcset", "poster") if name in given]
        self.loaded += [given["href"]] if tag == "link" else []
        self.open = given.get("id")

    def handle_data(self, data):
        if self.open:
            self.texts[self.open] = self.texts.get(self.open, "") + data

    def handle_endtag(self, tag):
        self.open = None


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A benchmark with failed and skipped runs, an unlabelled dataset and names that need escaping."""
    folder = tmp_path_factory.mktemp("made") / "results"
    config = make_config(folder, labels=NASTY[:3], unlabelled=(1,))
    broken = [("data_0", "m1", 0), ("data_0", "m1", 1)]
    at = make_results(folder, config, types=NASTY, batches=("<b>1</b>", "b_2"), broken=broken)
    assert main(["report", str(folder), "-o", str(folder / "mine.html")]) == 0
    html = (folder / "mine.html").read_text()
    page = Page(html)
    return at, html, page, json.loads(page.texts["data"])


def test_the_page_holds_every_score_raw_and_scaled(made):
    at, _, _, data = made
    scores = read_scores(at.partial("scores.tsv"))
    for row in scores.itertuples():
        of_dataset = data["scores"][row.dataset]
        place = of_dataset["runs"].index([row.method, row.seed])
        value = of_dataset["metrics"][row.metric]["values"][place]
        assert value == row.value if row.status == "ok" else value is None
        if row.status != "ok":
            assert of_dataset["problems"][row.metric][row.method] == [row.status, row.reason]
    summary = pd.read_csv(at.partial("summary.tsv"), sep="\t").set_index(["dataset", "method", "metric"])
    for dataset, of_dataset in data["scores"].items():
        for metric, found in of_dataset["metrics"].items():
            by_method: dict[str, list] = {}
            for (method, _), scaled in zip(of_dataset["runs"], found["scaled"], strict=True):
                by_method.setdefault(method, []).append(np.nan if scaled is None else scaled)
            for method, scaled in by_method.items():
                expected = summary.loc[(dataset, method, metric), "scaled_mean"]
                assert np.mean(scaled) == pytest.approx(expected, nan_ok=True)


def test_nothing_is_loaded_and_names_are_escaped(made):
    _, html, page, data = made
    assert set(page.loaded) <= {"data:,"}
    assert "sourceMappingURL" not in html
    assert page.tags.count("script") == 1 + sum(len(one["elements"]) for one in data["projections"].values()) + len(
        [name for name in ASSETS if name.endswith(".js")]
    ), "a name made a script element"
    assert [method["label"] for method in data["methods"]][1:4] == NASTY[:3]
    assert "<b>1</b>" not in html
    assert "<script>alert" not in html
    names = next(one for one in data["projections"]["data_0"]["categories"] if one["id"] == "cell_type")["names"]
    assert sorted(names) == sorted(NASTY)


def test_failures_and_skipped_runs_say_why(made):
    _, html, _, data = made
    status = pd.Series([run["status"] for run in data["runs"]]).value_counts().to_dict()
    assert status == {"ok": 43, "failed": 2, "skipped": 6}
    failed = next(run for run in data["runs"] if run["status"] == "failed")
    assert failed["tail"].endswith("ValueError: loss is <nan> & training stopped")
    assert "ValueError: loss is &lt;nan&gt; &amp; training stopped</pre>" in html
    assert html.count("the method uses labels, the dataset has none") >= 3


def test_a_benchmark_without_any_finished_run_has_a_page(tmp_path):
    config = make_config(tmp_path, n_datasets=1, n_methods=1, n_seeds=1)
    make_results(tmp_path, config)
    for path in tmp_path.glob("data_0/*/seed*/scores.tsv"):
        path.unlink()
    assert main(["report", str(tmp_path)]) == 0
    data = json.loads(Page((tmp_path / "report.html").read_text()).texts["data"])
    assert data["scores"] == {}
    assert {run["status"] for run in data["runs"]} == {"not_run"}


def test_a_folder_that_is_no_results_folder_is_named(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert f"{tmp_path}/config.yaml: does not exist" in capsys.readouterr().err


# ---- projections


def unpacked(text: str, n_columns: int) -> np.ndarray:
    planes = np.frombuffer(gzip.decompress(base64.b64decode(text)), np.uint8).reshape(2 * n_columns, -1).astype(int)
    return planes[0::2] + 256 * planes[1::2]


def projected(folder, n_cells: int = 50):
    random = np.random.default_rng(0)
    cells = [f"c{place}" for place in range(n_cells)]
    truth = pd.DataFrame({"cell_id": cells, "batch": random.choice(["x", "y"], n_cells), "cell_type": "t"})
    tables = {
        (method, 0): pd.DataFrame(
            {"cell_id": cells, "x": random.normal(size=n_cells), "y": random.normal(size=n_cells)}
        )
        for method in ("a", "b")
    }
    for (method, _), table in tables.items():
        write_table(folder / f"{method}.tsv.gz", table)
    return truth, tables, {key: folder / f"{key[0]}.tsv.gz" for key in tables}


def test_packed_positions_and_categories_belong_to_the_same_cells(tmp_path):
    truth, tables, files = projected(tmp_path)
    about, texts = pack_dataset(files, truth, name="one", max_cells=100)
    batch = next(one for one in about["categories"] if one["id"] == "batch")
    names = np.array(batch["names"])[unpacked(batch["codes"], 1)[0]]
    for text, table in zip(texts, tables.values(), strict=True):
        x, y = unpacked(text, 2)
        expected = [np.round((table[axis] - table[axis].min()) / np.ptp(table[axis]) * (LEVELS - 1)) for axis in "xy"]
        assert sorted(zip(x, y, names, strict=True)) == sorted(zip(*expected, truth["batch"], strict=True))
    assert about["runs"] == [["a", 0], ["b", 0]]


def test_further_levels_of_cell_types_are_categories_but_none_stands_twice(tmp_path):
    truth, _, files = projected(tmp_path)
    truth = truth.assign(**{"label:coarse": truth["cell_type"], "label:fine": truth["batch"], "condition": ""})
    about, _ = pack_dataset(files, truth, name="one", max_cells=100)
    assert [one["id"] for one in about["categories"]] == ["batch", "cell_type", "label:fine"]


def test_large_datasets_are_sampled_with_a_fixed_seed(tmp_path):
    truth, _, files = projected(tmp_path)
    first, second = (pack_dataset(files, truth, name="one", max_cells=20) for _ in range(2))
    assert first == second
    assert (first[0]["cells"], first[0]["shown"]) == (50, 20)
    assert len(unpacked(first[1][0], 2)[0]) == 20
    assert (cells_per_run(1), cells_per_run(120), cells_per_run(600)) == (20_000, 20_000, 5_000)


def test_projections_of_other_cells_are_refused(tmp_path):
    truth, tables, files = projected(tmp_path)
    write_table(files["b", 0], tables["b", 0].iloc[::-1])
    with pytest.raises(ContractError, match=r"b\.tsv\.gz: its cells are not those of the other runs"):
        pack_dataset(files, truth, name="one", max_cells=100)


# ---- citations and documentation


def test_every_doi_of_the_registry_has_an_entry_and_others_are_cited_by_address(config, root):
    citations = read_citations(root / "config/citations.bib")
    dois = {method["doi"] for method in config["methods"].values() if method["doi"]}
    assert dois
    assert all(re.match(r"@\w+\{\w+,\n", entry) and entry.endswith("}") for entry in citations.values())
    unknown = bibtex(["10.1000/a_b", None], citations)
    assert list(unknown) == ["10.1000/a_b"]
    assert "url = {https://doi.org/10.1000/a_b}" in unknown["10.1000/a_b"]
    assert "Korsunsky" in bibtex(["10.1038/S41592-019-0619-0"], citations)["10.1038/S41592-019-0619-0"]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_measures_its_range_and_its_weakness(name):
    said = documentation(METRICS[name])
    assert all(said[part] for part in ("measures", "range", "weakness", "source"))


def test_the_libraries_are_the_recorded_ones_with_their_licences():
    import hashlib

    for line in (FOLDER / "vendor/SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((FOLDER / "vendor" / name).read_bytes()).hexdigest() == digest, name
    for name in ("tabulator-LICENSE.txt", "plotly-LICENSE.txt"):
        assert "MIT" in (FOLDER / "vendor" / name).read_text()
