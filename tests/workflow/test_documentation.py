"""The documentation is run: its example of a method gives a row of the table, its commands and links are valid."""

import hashlib
import importlib.util
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from packaging.utils import canonicalize_name
from snakemake.cli import get_argument_parser

from scbench.cli import make_parser as scbench_parser
from scbench.source import entry_units, reachable, third_party

DOCS = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name != "metrics_template.md"]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
FENCED = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
NAMED = re.compile(r"(?:#|\.\.) (\S+\.\w+|\S*Snakefile)\n")  # the first line of a block that is a file
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
PROGRAMS = {"make": "make", "./scbench": "scbench", ".venv/bin/snakemake": "snakemake", "snakemake": "snakemake"}
# Where a block goes that belongs into a file that is there: before this text of it; "" is the end.
PLACES = {
    "workflow_scripts/scbench/metrics/catalogue.py": ")\nMETRICS",
    "workflow_scripts/scbench/analyses/catalogue.py": "}\n",
    "workflow_scripts/scbench/report/catalogue.py": "}\n",
}
SMALL = {
    "benchmark": {"controls": [], "seeds": [0], "results": "results"},
    "preprocessing": {"n_top_genes": 80, "n_pcs": 10},
    "metrics": {"bio": ["clisi"], "batch": ["ilisi"], "extra": []},
    "datasets": {"sim_balanced": {"simulate": {"n_cells": 150, "n_genes": 100, "n_types": 3, "n_batches": 2}}},
}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def files_of(page: Path) -> dict[str, str]:
    """{path: content} of the blocks whose first line names a file."""
    texts = [text for _, text in FENCED.findall(page.read_text())]
    return {found[1]: text[found.end() :] for text in texts if (found := NAMED.match(text))}


def commands(page: Path) -> list[list[str]]:
    """What a reader types, in words: the lines of `sh` blocks and of indented ones."""
    text = page.read_text()
    lines = "".join(block for language, block in FENCED.findall(text) if language == "sh").replace("\\\n", " ")
    indented = re.findall(r"(?m)^ {4}(\S.*)$", FENCED.sub("", text))
    found = [shlex.split(line.split(" > ")[0], comments=True) for line in (*lines.splitlines(), *indented)]
    return [words for words in found if words and words[0] in PROGRAMS]


def mentioned(page: Path) -> list[list[str]]:
    """Commands in backquotes; one with <...> stands for others."""
    found = re.findall(r"`([^`\n<]+)`", FENCED.sub("", page.read_text()))
    return [shlex.split(line) for line in found if line.split()[0] in PROGRAMS]


def commands_of(program: str, *sources) -> dict[str, list[str]]:
    """{command: its arguments} on all pages."""
    listed = [words for page in PAGES for source in sources for words in source(page)]
    return {shlex.join(words): words[1:] for words in listed if PROGRAMS[words[0]] == program}


def write(folder: Path, files: dict[str, str]) -> None:
    """Write the blocks of a page, or insert them into the files that they belong into."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in PLACES and path.exists():
            before, after = path.read_text(), ""
            if PLACES[name]:
                before, place, after = before.rpartition(PLACES[name])
                after = place + after
            text = before + text + after
        path.write_text(text)


# ---- commands


MAKE = commands_of("make", commands, mentioned)
SCBENCH = commands_of("scbench", commands)
SNAKEMAKE = commands_of("snakemake", commands, mentioned)


def test_there_are_commands_to_check():
    assert min(map(len, (MAKE, SCBENCH, SNAKEMAKE))) > 3


@pytest.mark.parametrize("command", MAKE)
def test_every_target_of_make_is_there(command):
    done = subprocess.run(["make", "-n", *MAKE[command]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", SCBENCH)
def test_every_command_of_scbench_and_its_options_are_known(command):
    scbench_parser().parse_args(SCBENCH[command])


@pytest.mark.parametrize("command", sorted({words[0] for words in commands_of("scbench", mentioned).values() if words}))
def test_every_command_of_scbench_that_is_mentioned_has_a_help_text(command, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        scbench_parser().parse_args([command, "--help"])
    assert "usage: scbench" in capsys.readouterr().out


@pytest.mark.parametrize("command", SNAKEMAKE)
def test_every_option_of_snakemake_is_known(command):
    arguments = get_argument_parser().parse_args(SNAKEMAKE[command])
    if arguments.workflow_profile:
        assert (ROOT / arguments.workflow_profile / "config.yaml").exists()


@dataclass
class Plan:
    """All commands of Snakemake that have the same configuration and profile, to be planned together."""

    arguments: list[str]
    files: dict[str, str]  # configurations; "" is one of the project
    targets: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)


def plans() -> dict[str, Plan]:
    """{configuration, profile and page: plan}, without the worked example, which is run."""
    readme, found = files_of(ROOT / "README.md"), {}
    for page in PAGES:
        for words in commands(page) if page.name != "add-a-method.md" else []:
            if PROGRAMS[words[0]] != "snakemake":
                continue
            known = get_argument_parser().parse_args(words[1:])
            if known.report:
                continue
            blocks = readme | files_of(page)
            files = {str(name): blocks.get(str(name), "") for name in known.configfile}
            profile = ["--workflow-profile", str(known.workflow_profile)] if known.workflow_profile else []
            same = [plan for plan in found.values() if (plan.files, plan.arguments) == (files, profile)]
            plan = same[0] if same else Plan(profile, files)
            if not same:
                found[f"{' '.join(files) or 'default'} {' '.join(profile[1:])} {name_of(page)}"] = plan
            plan.targets += known.targets or ["all"]
            plan.resources += words[words.index("--set-resources") + 1 :] if "--set-resources" in words else []
    return found


PLANS = plans()


@pytest.fixture(scope="module")
def documented(new_project):
    """A copy of the project with everything that the pages add to it."""
    project = new_project()
    for page in PAGES:
        write(project.folder, {name: text for name, text in files_of(page).items() if "/" in name or name in PLACES})
    return project


def test_the_configurations_of_the_pages_are_found():
    names = {name for plan in PLANS.values() for name in plan.files}
    assert names >= {"mine.yaml", "kang.yaml", "mine_metric.yaml", "mine_analysis.yaml"}


EXPECTED = {
    "default": {"all": 1, "draw_totals": 1, "integrate_scdml_iterative": 9},
    "mine.yaml": {"all": 1, "fetch": 1, "prepare": 1},
    "mine_analysis.yaml": {"analyse_centroids": 2, "centroids": 1},
    "config/paper_small.yaml": {"paper": 1, "ablation_figure": 3},
    "config/paper_small.yaml config/claims.yaml": {"paper": 1, "ablation_figure": 5},
    "config/paper.yaml": {"paper": 1, "published_table": 1},
    "mine_paper.yaml": {"paper": 1, "ablation_figure": 2},
    "kang.yaml": {"all": 1, "fetch": 1, "integrate_scdml": 3, "integrate_unintegrated": 1},
}


def make(folder: Path, entry: dict) -> None:
    """Make the file of a dataset, small but valid, or of an embedding made elsewhere, whose arrays are empty."""
    if "path" not in entry:
        return
    path = folder / entry["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    if "obsm" in entry:
        with h5py.File(path, "w") as file:
            file[f"obsm/{entry['obsm']}"] = np.zeros((0, 2))
    elif "batch_key" in entry:
        labels = entry["label_key"] if isinstance(entry["label_key"], list) else [entry["label_key"]]
        columns = [name for name in (entry["batch_key"], *labels, entry.get("condition_key")) if name]
        names = [*entry.get("exclude_batches", ()), "a", "b"]
        obs = pd.DataFrame({name: np.resize(names, 60 * len(names)) for name in columns}).rename(index=str)
        cells = anndata.AnnData(np.ones((len(obs), 3), np.float32), obs)
        if entry.get("counts_layer"):
            cells.layers[entry["counts_layer"]] = cells.X
        cells.write_h5ad(path)
    else:
        path.touch()


@pytest.mark.parametrize("name", PLANS)
def test_the_commands_of_the_pages_are_planned(documented, name):
    plan = PLANS[name]
    blocks = {file: text for file, text in plan.files.items() if text}
    write(documented.folder, blocks)
    for file in plan.files:
        for dataset in (yaml.safe_load((documented.folder / file).read_text()).get("datasets") or {}).values():
            for entry in (dataset, *dataset.get("embeddings", {}).values()):
                make(documented.folder, entry)
    arguments = [*dict.fromkeys(plan.targets), *plan.arguments]
    arguments += ["--configfile", *plan.files] if plan.files else []
    arguments += ["--set-resources", *plan.resources] if plan.resources else []
    assert documented.plan(*arguments).items() >= EXPECTED.get(name.split("  ")[0], {"all": 1}).items()


# ---- links


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    for path, anchor in LINK.findall(FENCED.sub("", page.read_text())):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


# ---- the worked example of a method

METHOD = "workflow_scripts/scbench/methods/centred.py"
OWN_PACKAGE = ["workflow_scripts/scbench/methods/centred_sklearn.py", "envs/centred.yaml"]


@pytest.fixture(scope="module")
def example(root, new_project):
    """The files of docs/how-to/add-a-method.md in a copy of the project, run on a small dataset."""
    project = new_project()
    shutil.copy(root / "requirements.txt", project.folder)
    shutil.copy(root / "requirements-reference.txt", project.folder)
    before = contents(project.folder)
    page = root / "docs/how-to/add-a-method.md"
    write(project.folder, files_of(page))
    variants = next(text for _, text in FENCED.findall(page.read_text()) if "variants:" in text)
    methods = ["unintegrated", "centred", "centred_half", "centred_sklearn"]
    more = yaml.safe_load(variants) | SMALL | {"benchmark": SMALL["benchmark"] | {"methods": methods}}
    project.configure(more)
    after = contents(project.folder)
    added = {name for name in after if after[name] != before.get(name)} | set(before) - set(after)
    done = project.snakemake("results/tables/overall.md", "--configfile", "mine.yaml", "mine_sklearn.yaml", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return project, added


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def X_emb(project, method: str) -> np.ndarray:
    return anndata.read_h5ad(project.results / "sim_balanced" / method / "seed0/embedding.h5ad").obsm["X_emb"]


def test_the_example_adds_one_file_and_one_entry_and_its_method_is_a_row_of_the_table(example):
    project, added = example
    assert added == {METHOD, "mine.yaml", *OWN_PACKAGE, "mine_sklearn.yaml", "tiny.yaml"}
    table = pd.read_csv(project.results / "tables/overall.tsv", sep="\t").set_index("method")
    assert table["label"].to_dict() == {
        "unintegrated": "Unintegrated (PCA)",
        "centred": "Centred PCA",
        "centred_half": "Centred PCA, half",
        "centred_sklearn": "Centred PCA (scikit-learn)",
    }
    assert table["total"].notna().all()
    assert (table["kind"].drop("unintegrated") == "method").all()


def test_the_methods_of_the_example_do_what_the_page_says(example):
    project, _ = example
    X = X_emb(project, "unintegrated")
    batch = anndata.read_h5ad(project.results / "sim_balanced/dataset.h5ad").obs["batch"].to_numpy()
    means = np.stack([X[batch == name].mean(axis=0) for name in batch])
    for method, strength in {"centred": 0.8, "centred_half": 0.5, "centred_sklearn": 1.0}.items():
        np.testing.assert_allclose(X_emb(project, method), X - strength * means, atol=1e-4, err_msg=method)
    record = anndata.read_h5ad(project.results / "sim_balanced/centred/seed0/embedding.h5ad").uns
    assert record["parameters"] == '{"strength": 0.8}'


def test_a_wrong_value_of_the_example_is_an_error_before_any_job_starts(example):
    project, _ = example
    (project.folder / "wrong.yaml").write_text(yaml.safe_dump({"methods": {"centred": {"params": {"strength": 2}}}}))
    done = project.snakemake("-n", "--configfile", "mine.yaml", "wrong.yaml")
    assert done.returncode != 0
    assert "methods.centred.params.strength: 2 is above 1" in done.stdout + done.stderr


def test_the_environment_of_an_own_package_is_left_alone_and_has_what_its_method_imports(example):
    project, _ = example
    spec = importlib.util.spec_from_file_location("generate_of_the_copy", project.folder / "envs/generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.main(["--check"]) == 0
    assert generate.main([]) == 0
    content = yaml.safe_load((project.folder / "envs/centred.yaml").read_text())
    assert content["channels"] == ["conda-forge"]
    provided = {canonicalize_name(line.split("==")[0]) for line in content["dependencies"][-1]["pip"]}
    scripts = project.folder / "workflow_scripts"
    entries = ("integrate.py", "scbench.methods.centred_sklearn")
    needed = third_party(
        reachable([unit for entry in entries for unit in entry_units(entry, scripts)], scripts), scripts
    )
    assert "sklearn" in needed
    assert needed - {"sklearn", "torch"} <= provided, (
        "torch saves weights and finds GPUs, and is needed for neither here"
    )
    assert "scikit-learn" in provided
