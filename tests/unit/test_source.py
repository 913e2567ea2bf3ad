"""What code can reach and what it does are read off its source: definitions count, docstrings and comments do not."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scbench import source
from scbench.analyses.catalogue import ANALYSES
from scbench.metrics.catalogue import METRICS

TREE = {
    "job.py": '"""A job."""\nfrom library import runner\nfrom library.inner import dive\n\nrunner.run()\ndive()\n',
    "library/__init__.py": "",
    "library/runner.py": (
        '"""Run."""\n'
        "import json\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import unseen\n"
        "LIMIT = 1\n"
        'def run(steps=3):\n    """Run it."""\n    from library.lazy import Box as B\n    return B().open(helper())\n'
        "def helper():\n    return LIMIT  # of all\n"
        "def unused():\n    import never\n"
    ),
    "library/lazy.py": (
        'class Box:\n    """A box."""\n    def open(self, key):\n        """Open it."""\n        return key\n'
    ),
    "library/inner/__init__.py": "from .deep import dive\n",
    "library/inner/deep.py": "def dive():\n    return 1\ndef other():\n    import never\n",
    "library/methods/__init__.py": "",
    "library/methods/mine.py": "from library.inner.deep import other\nx = 1\ndef integrate():\n    other()\n",
    "library/methods/yours.py": "x = 1\n",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def forget():
    for function in vars(source).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def reached(root: Path, *entries: str) -> frozenset:
    return source.reachable([unit for entry in entries for unit in source.entry_units(entry, root)], root)


def digest(root: Path, *entries: str) -> str:
    return source.digest(reached(root, *entries), root)


# ---- what is reached


def test_what_is_reached_is_what_reachable_code_names_and_what_loading_runs(tree):
    found = {(str(path.relative_to(tree)), definition) for path, definition in reached(tree, "job.py")}
    assert found == {
        ("job.py", None),
        ("library/__init__.py", None),
        *(("library/runner.py", name) for name in (None, "run", "helper")),
        *(("library/lazy.py", name) for name in (None, "Box")),
        ("library/inner/__init__.py", None),
        *(("library/inner/deep.py", name) for name in (None, "dive")),
    }


def test_third_party_modules_are_those_of_reachable_code(tmp_path):
    library = tmp_path / "library"
    (library / "inner").mkdir(parents=True)
    (library / "__init__.py").write_text("")
    (library / "tools.py").write_text(
        "import json, numpy.linalg\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import unseen\n"
        "def used():\n    return helper()\n"
        "def helper():\n    from lazy.part import thing\n"
        "def unused():\n    import never\n"
        "class Box:\n    def open(self):\n        import boxed\n"
    )
    (library / "inner" / "__init__.py").write_text("from .deep import dive\n")
    (library / "inner" / "deep.py").write_text("def dive():\n    import depth\ndef other():\n    import never\n")
    (tmp_path / "script.py").write_text(
        "import pandas as pd\nfrom library import tools\nfrom library.inner import dive\n"
        "from library.absent import gone\n"
        "tools.used()\ndive()\nsnakemake.input\n"
    )
    found = source.third_party(reached(tmp_path, "script.py"), tmp_path)
    assert found == {"pandas", "numpy", "lazy", "depth", "library.absent"}
    (tmp_path / "renaming.py").write_text("from library.tools import Box as B\nB().open()\n")
    assert source.third_party(reached(tmp_path, "renaming.py"), tmp_path) == {"numpy", "boxed"}
    assert source.third_party(frozenset(), tmp_path) == set()


def test_an_entry_is_a_script_a_module_or_one_definition_of_a_module(tree):
    def names(entry):
        return {definition for _, definition in source.entry_units(entry, tree)}

    assert names("job.py") == {None}
    assert names("library.runner") == {None, "run", "helper", "unused"}
    assert names("library.runner:run") == {None, "run"}
    assert source.entry_units("library.inner.deep:dive", tree) == [
        (tree / "library/inner/deep.py", None),
        (tree / "library/inner/deep.py", "dive"),
    ]


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ("nowhere.py", FileNotFoundError),
        ("library.nowhere", FileNotFoundError),
        ("library.runner:rum", ValueError),
        ("library.runner:LIMIT", ValueError),
    ],
)
def test_an_entry_that_is_not_there_is_an_error_and_no_digest_of_nothing(tree, entry, error):
    with pytest.raises(error):
        source.entry_units(entry, tree)


# ---- what changes a digest

SAME = {
    "a comment": ("library/runner.py", "return LIMIT  # of all", "return LIMIT  # of some"),
    "a line that is only a comment": ("library/runner.py", "LIMIT = 1\n", "# the limit\nLIMIT = 1\n"),
    "the docstring of a module": ("library/runner.py", '"""Run."""', '"""Run everything."""'),
    "the docstring of a script": ("job.py", '"""A job."""', '"""A good job."""'),
    "the docstring of a function": ("library/runner.py", '"""Run it."""', '"""Run it well."""'),
    "the docstring of a class": ("library/lazy.py", '"""A box."""', '"""A large box."""'),
    "the docstring of a method": ("library/lazy.py", '"""Open it."""', '"""Close it."""'),
    "a new docstring": ("library/inner/deep.py", "def dive():\n", 'def dive():\n    """Go down."""\n'),
    "the layout": (
        "library/runner.py",
        "def helper():\n    return LIMIT",
        "def helper():\n\n    return (\n        LIMIT\n)",
    ),
    "an unused function": ("library/runner.py", "import never", "import ever"),
    "a new function that nothing calls": ("library/lazy.py", "class Box:", "def more():\n    return 1\nclass Box:"),
    "what only a type checker reads": ("library/runner.py", "import unseen", "import seen"),
    "a module that nothing imports": ("library/methods/yours.py", "x = 1", "x = 2"),
}
CHANGED = {
    "the script": ("job.py", "runner.run()", "runner.run(4)"),
    "a line of a function": ("library/inner/deep.py", "return 1", "return 2"),
    "a default value": ("library/runner.py", "steps=3", "steps=4"),
    "a constant": ("library/runner.py", "LIMIT = 1", "LIMIT = 2"),
    "a function that another one calls": ("library/runner.py", "return LIMIT", "return LIMIT + 1"),
    "a method of a class imported where it is used": ("library/lazy.py", "return key", "return not key"),
    "a decorator": ("library/runner.py", "def helper", "@print\ndef helper"),
    "a text that is no docstring": ("library/lazy.py", "return key", "return key or 'text'"),
    "what loading a package runs": ("library/__init__.py", "", "import os\n"),
    "a new function that is called": (
        "library/lazy.py",
        "return key",
        "return more(key)\ndef more(key):\n    return key",
    ),
    "a method": ("library/methods/mine.py", "x = 1", "x = 2"),
    "what only the method calls": ("library/inner/deep.py", "import never", "import ever"),
}


def edit(tree: Path, name: str, old: str, new: str) -> None:
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new, 1))
    forget()


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_digest_stays_when_code_does_the_same(tree, change):
    before = digest(tree, "job.py")
    edit(tree, *change)
    assert digest(tree, "job.py") == before


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_the_digest_changes_with_what_code_does(tree, change):
    before = digest(tree, "job.py", "library.methods.mine")
    edit(tree, *change)
    assert digest(tree, "job.py", "library.methods.mine") != before


def test_the_digest_does_not_depend_on_where_the_code_lies_or_in_what_order_it_stands(tree, tmp_path_factory):
    other = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(tree, other)
    edit(
        other,
        "library/inner/deep.py",
        TREE["library/inner/deep.py"],
        "def other():\n    import never\ndef dive():\n    return 1\n",
    )
    assert digest(tree, "job.py") == digest(other, "job.py")
    assert re.fullmatch("[0-9a-f]{16}", digest(tree, "job.py"))


# ---- the library's own code

FAMILIES = {
    "autoencoders": ["autoencoder", "cvae_nb", "disentangled_ae", "vae_nb"],
    "metric_learning": ["scdml", "scdml_iterative"],
    "transformer": ["gene_transformer", "gene_transformer_plain"],
}
NEURAL = sorted(method for family in FAMILIES.values() for method in family)


def method_digests(root: Path) -> dict[str, str]:
    modules = sorted(path.stem for path in (root / "scbench/methods").glob("[!_]*.py"))
    return {module: digest(root, "integrate.py", f"scbench.methods.{module}") for module in modules}


@pytest.fixture(scope="module")
def copied(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library") / "workflow_scripts"
    shutil.copytree(root / "workflow_scripts", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder, method_digests(folder)


@pytest.fixture
def library(copied):
    """A copy of the library and the digests of its methods; edits are undone at the end."""
    folder, before = copied
    texts = {path: path.read_text() for path in folder.rglob("*.py")}
    yield folder, before
    for path, text in texts.items():
        if path.read_text() != text:
            path.write_text(text)
    forget()


def with_a_line_more(folder: Path, name: str) -> None:
    """Add a line of code to the first function of a file that has a docstring."""
    found = re.search(r'(?m)^( *)def \w+\([^"]*?:\n +"""(?:[^"]|"(?!""))*"""\n', (folder / name).read_text())
    edit(folder, name, found[0], f"{found[0]}{found[1]}    assert True\n")


def test_no_docstring_comment_or_unused_function_changes_the_digest_of_a_method(library):
    folder, before = library
    for path in folder.rglob("*.py"):
        edit(folder, str(path.relative_to(folder)), '"""', '"""Edited. ') if '"""' in path.read_text() else None
        is_entry = path.parent.name in ("methods", "workflow_scripts")  # of which everything counts
        unused = "" if is_entry else "def unused():\n    return 1\n"
        path.write_text(f"{path.read_text()}\n\n# a comment\n\n\n{unused}")
    forget()
    assert method_digests(folder) == before


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("autoencoders/autoencoder.py", ["autoencoder", "disentangled_ae"]),
        ("autoencoders/count_vae.py", ["cvae_nb", "vae_nb"]),
        ("metric_learning/triplets.py", FAMILIES["metric_learning"]),
        ("metric_learning/self_training.py", ["scdml_iterative"]),
        ("transformer/trunk.py", FAMILIES["transformer"]),
        ("neural/fit.py", NEURAL),
        ("graphs/agreement.py", ["scdml_iterative"]),
        ("methods/harmony.py", ["harmony"]),
        ("metrics/clustering.py", []),
        ("metrics/kbet.py", []),
        ("analyses/disentanglement.py", []),
        ("report/figures.py", []),
        ("ranking/summary.py", []),
        ("cli.py", []),
    ],
)
def test_a_line_of_code_changes_the_methods_that_run_it_and_no_other(library, file, changed):
    folder, before = library
    with_a_line_more(folder, f"scbench/{file}")
    after = method_digests(folder)
    assert sorted(name for name in before if after[name] != before[name]) == changed


def test_a_line_of_a_metric_changes_the_scores_of_the_benchmark_that_computes_it_and_of_no_other(library):
    def scores():
        names = ("kbet", "ilisi", "nmi_leiden_best")
        return {name: digest(library[0], "score.py", METRICS[name].function) for name in names}

    before = scores()
    with_a_line_more(library[0], "scbench/metrics/kbet.py")
    after = scores()
    assert [name for name in before if after[name] != before[name]] == ["kbet"]


TRACER = r'''
import json, sys
from pathlib import Path

SCRIPTS = Path("{scripts}")
loading, ran = 0, set()


def trace(frame, event, _):
    """Note every function that runs, apart from what modules and classes call while they are defined."""
    global loading
    code = frame.f_code
    if not code.co_flags & 1:  # not optimised: the body of a module or a class
        loading += (event == "call") - (event == "return")
    elif event == "call" and not loading and code.co_filename.startswith(str(SCRIPTS)):
        ran.add((code.co_filename, code.co_qualname.split(".")[0]))


def loaded():
    files = {{str(getattr(module, "__file__", None)) for module in sys.modules.values()}}
    return {{(file, "") for file in files if file.startswith(str(SCRIPTS))}}


def traced(function):
    """What a call runs and loads, as [file, definition] with "" for a file that is loaded."""
    before = loaded()
    ran.clear()
    sys.setprofile(trace)
    try:
        function()
    finally:
        sys.setprofile(None)
    return sorted(ran | (loaded() - before))
'''


def run_traced(root: Path, tmp_path: Path, code: str) -> dict[str, set]:
    """Run `code` after TRACER in a process of its own; it leaves {entry: what ran} in `found`."""
    scripts = root / "workflow_scripts"
    (tmp_path / "job.py").write_text(f"{TRACER.format(scripts=scripts)}\n{code}\nprint(json.dumps(found))\n")
    environment = os.environ | {"PYTHONPATH": f"{scripts}:{root / 'tests'}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "job.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        entry: {(Path(file), name if name and name[0] != "<" else None) for file, name in units}
        for entry, units in found.items()
    }


CELLS = """
import anndata, numpy as np, pandas as pd
from conftest import make_dataset

counts, lognorm, pca = (make_dataset(declared) for declared in ("counts", "lognorm", "pca"))
cells = pd.DataFrame({"batch": pd.Categorical(counts.batch.astype(str)), "total_counts": counts.total_counts})
cells.index = [f"cell_{i}" for i in range(len(cells))]
genes = pd.DataFrame({"highly_variable_rank": np.arange(len(counts.gene_names), dtype=float)}, index=counts.gene_names)
adata = anndata.AnnData(lognorm.X, obs=cells, var=genes, layers={"counts": counts.X}, obsm={"X_pca": pca.X})
adata.uns["preprocessing"] = '{"target_sum": 10000}'
"""


@pytest.mark.slow
def test_what_methods_and_analyses_execute_is_in_their_digests(root, tmp_path):
    """Every function and class of the library that runs, and every module that is loaded."""
    code = f"""{CELLS}
from importlib import import_module
from scbench.analyses import few_labels
from scbench.analyses.catalogue import ANALYSES
from scbench.config import load_config
from scbench.files import write_dataset, write_truth
from scbench.paths import Paths
from scbench.provenance import missing_packages
from scbench.registry import load_registry
from scbench.runner import FinishedRun, run, write_run
from scbench.spec import Spec
from scbench.transformer.corpus import pretrain
from scbench.transformer.parameters import CorpusParameters

write_dataset("dataset.h5ad", adata)
few_labels.FRACTIONS = (1.0,)
trunk, _ = pretrain([counts], CorpusParameters(width=16, epochs=1), seed=0, device="cpu")
truth = {{"cell_id": cells.index, "batch": cells["batch"], "cell_type": counts.labels}}
write_truth("truth.tsv.gz", pd.DataFrame(truth))

def shortened(method):
    short = {{"epochs": 2}} if "epochs" in method.parameters else {{}}
    return Spec(**method.spec | {{"params": {{**method.params, **short}}}})

def analyse(name, files):
    run = FinishedRun({{"dataset": "dataset.h5ad", "truth": "truth.tsv.gz", **files}}, seed=0)
    tables = import_module(f"scbench.analyses.{{name}}").analyse(run)
    if ANALYSES[name].draws:
        import_module(f"scbench.report.{{name}}").draw_run(tables, "title")

found, results = {{}}, []
for method in load_registry(load_config(Path("{root}/config"), {{}})["methods"]).values():
    declared = [*method.analyses, *(name for name in ANALYSES if ANALYSES[name].of_every_method)]
    new = [name for name in declared if f"analysis {{name}}" not in found]
    if (method.id == method.module or new) and not missing_packages(method.packages):
        spec, given = shortened(method), {{"dataset": "tiny", "seed": 0, "accelerator": "cpu", "labels": counts.labels}}
        vectors = {{source: np.eye(len(genes), 8) for source in spec.gene_vectors}}
        given["pretrained"] = trunk if spec.pretrained else None
        executed = traced(lambda: results.append(run(spec, adata, gene_vectors=vectors, **given)))
        found[f"method {{method.module}}"] = [*found.get(f"method {{method.module}}", []), *executed]
        files = Paths("results").run_files("tiny", method.id, 0, trained=method.trained, tables=method.tables)
        for name in new:
            write_run(results[-1], files)
            found[f"analysis {{name}}"] = traced(lambda: analyse(name, files))
"""
    found = run_traced(root, tmp_path, code)
    assert {name.split()[1] for name in found if name.startswith("analysis")} == set(ANALYSES)
    for what, ran in found.items():
        kind, name = what.split()
        if kind == "method":
            entries, path, door = ["integrate.py", f"scbench.methods.{name}"], f"methods/{name}.py", "integrate"
        else:
            entries, path, door = ["analyse.py", f"scbench.analyses.{name}:analyse"], f"analyses/{name}.py", "analyse"
            entries += [f"scbench.report.{name}"] if ANALYSES[name].draws else []
            entries += [METRICS[metric].function for metric in ANALYSES[name].metrics]
            entries += ["scbench.methods.vae_nb"] if ANALYSES[name].trains else []  # the first method that declares it
        assert (source.SCRIPTS / "scbench" / path, door) in ran
        assert not ran - reached(source.SCRIPTS, *entries), f"{what} runs what its digest does not hold"


def test_what_scoring_executes_is_in_the_digest_of_the_scores(root, tmp_path):
    code = f"""{CELLS}
from scbench.metrics.catalogue import METRICS
from scbench.metrics.suite import score_embedding

def score():
    return score_embedding(
        pca.X, pca=pca.X, batch=counts.batch.astype(str), labels=counts.labels, clusters=counts.labels,
        phases=pca.X[:, :2], metrics={{"bio": [], "batch": [], "extra": list(METRICS)}},
    )

found = {{"scores": traced(score)}}
"""
    functions = sorted({metric.function for metric in METRICS.values()})
    ran = run_traced(root, tmp_path, code)["scores"]
    files = {path.name for path, _ in ran}
    assert {"kbet.py", "lisi.py", "clustering.py", "silhouette.py", "regression.py", "structure.py"} <= files
    assert not ran - reached(source.SCRIPTS, "score.py", "scbench.metrics.suite:score_embedding", *functions)
