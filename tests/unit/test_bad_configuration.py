"""Mistakes in the configuration are one sentence with file, key and remedy, before any job; see reliability.md."""

import pytest
import yaml

from scbench.config import load_config
from scbench.types import ConfigError

NAN, INF = float("nan"), float("inf")


def case(name, overrides, *words):
    return pytest.param(overrides, words, id=name)


def simulated(**settings):
    return {"datasets": {"mine": {"simulate": {"n_cells": 100, **settings}}}}


def read(**settings):
    return {"datasets": {"mine": {"path": "a.h5ad", "batch_key": "batch", "label_key": "type", **settings}}}


def method(id_, **params):
    return {"methods": {id_: {"params": params}}}


PARAMETERS = [
    case("dropout of 2", method("cvae_nb", dropout=2), "methods.cvae_nb.params.dropout", "2 is above 0.99"),
    case("no latent dimension", method("cvae_nb", latent_dim=0), "params.latent_dim", "0 is below 1"),
    case("latent of 10^12", method("cvae_nb", latent_dim=10**12), "params.latent_dim", "is above 65536"),
    case("no hidden layer", method("cvae_nb", hidden=[]), "params.hidden", "the list is empty"),
    case("hidden layer of 10^12", method("vae_nb", hidden=[10**12]), "params.hidden", "is above 65536"),
    case("learning rate nan", method("cvae_nb", learning_rate=NAN), "params.learning_rate", "not a finite number"),
    case("learning rate 0", method("cvae_nb", learning_rate=0), "params.learning_rate", "must be above 0"),
    case("learning rate -1", method("cvae_nb", learning_rate=-1), "params.learning_rate", "must be above 0"),
    case("sigma of 0", method("harmony", sigma=0), "methods.harmony.params.sigma", "must be above 0"),
    case("theta of -1", method("harmony", theta=-1), "methods.harmony.params.theta", "-1 is below 0"),
    case("infinite theta", method("harmony", theta=INF), "methods.harmony.params.theta", "not a finite number"),
    case("unknown prior", method("cvae_nb", prior="flat"), "params.prior", "choose one of normal"),
    case("unknown term", method("disentangled_ae", objective={"klm": 1}), "params.objective", "'klm'", "choose from"),
    case("negative weight", method("disentangled_ae", objective={"kl": -1}), "params.objective.kl", "-1 is not a"),
    case("max_steps -1", method("vae_nb", max_steps=-1), "params.max_steps", "-1 is below 1"),
    case("no epoch", method("vae_nb", epochs=0), "params.epochs", "0 is below 1"),
    case("beta of -1", method("vae_nb", beta=-1), "params.beta", "-1 is below 0"),
    case("one cell per minibatch", method("vae_nb", batch_size=1), "params.batch_size", "1 is below 2"),
    case("heads that do not fit", method("gene_transformer", n_heads=3), "params.n_heads", "does not fall into 3"),
    case("misspelt parameter", method("vae_nb", latent=3), "params.latent", "unknown parameter", "latent_dim"),
    case("number as text", method("vae_nb", latent_dim="32"), "params.latent_dim", "'32' is not of type int"),
    case(
        "wrong value in a variant",
        {"methods": {"cvae_nb": {"variants": {"mine": {"beta": -2}}}}},
        "methods.cvae_nb.variants.mine.beta",
        "-2 is below 0",
    ),
]

SETTINGS = [
    case("target_sum nan", {"preprocessing": {"target_sum": NAN}}, "preprocessing.target_sum", "not a finite number"),
    case("target_sum 0", {"preprocessing": {"target_sum": 0}}, "preprocessing.target_sum", "must be above 0"),
    case("components as text", {"preprocessing": {"n_pcs": "50"}}, "preprocessing.n_pcs", "without quotes"),
    case("half a component", {"preprocessing": {"n_pcs": 0.5}}, "preprocessing.n_pcs", "0.5 is not a whole number"),
    case("three genes", {"preprocessing": {"n_top_genes": 3}}, "preprocessing.n_top_genes", "3 is below 10"),
    case("threshold nan", {"gene_knowledge": {"threshold": NAN}}, "gene_knowledge.threshold", "not a finite number"),
    case("vectors of 10^10", {"gene_knowledge": {"width": 10**10}}, "gene_knowledge.width", "is above 4096"),
    case("seed of 2^64", {"benchmark": {"seeds": [2**64]}}, "benchmark.seeds.0", "is above 4294967295"),
    case("negative seed", {"benchmark": {"seeds": [-1]}}, "benchmark.seeds.0", "-1 is below 0"),
    case("seed 1.0", {"benchmark": {"seeds": [1.0]}}, "benchmark.seeds.0", "1.0 is not a whole number"),
    case("seed twice", {"benchmark": {"seeds": [1, 1]}}, "benchmark.seeds", "1 stands twice"),
    case("no seed", {"benchmark": {"seeds": []}}, "benchmark.seeds", "is empty"),
    case("seeds as text", {"benchmark": {"seeds": "0"}}, "benchmark.seeds", "'0' is not a list"),
    case("no dataset", {"benchmark": {"datasets": []}}, "benchmark.datasets", "is empty"),
    case("unknown dataset", {"benchmark": {"datasets": ["no"]}}, "benchmark.datasets", "'no' is not declared; known"),
    case("unknown method", {"benchmark": {"methods": ["no"]}}, "benchmark.methods", "'no' is not declared; known"),
    case("unknown control", {"benchmark": {"controls": ["no"]}}, "benchmark.controls", "'no' is not declared; known"),
    case("unknown section", {"preprocesing": {}}, "preprocesing", "unknown key", "preprocessing"),
    case("section without keys", {"benchmark": None}, "benchmark", "None is not keys and values"),
    case("weights nan", {"metrics": {"weights": {"bio": NAN, "batch": 0.4}}}, "metrics.weights.bio", "not a finite"),
    case("weights of 1.1", {"metrics": {"weights": {"bio": 0.7}}}, "metrics.weights", "must add up to 1"),
    case("iLISI as biology", {"metrics": {"bio": ["ilisi"]}}, "metrics.bio.0", "list it under batch or extra"),
    case("unknown metric", {"metrics": {"bio": ["nmi"]}}, "metrics.bio.0", "'nmi' is no metric; known"),
    case("unknown accelerator", {"benchmark": {"accelerator": "tpu"}}, "benchmark.accelerator", "auto, cpu, gpu"),
    case("results in the workflow", {"benchmark": {"results": "config/../.."}}, "benchmark.results", "its own"),
    case("results in a wildcard", {"benchmark": {"results": "r{x}"}}, "benchmark.results", "'{'", "leave it out"),
    case("results with NUL", {"benchmark": {"results": "r\0"}}, "benchmark.results", "leave it out"),
    case("results in the home folder", {"benchmark": {"results": "~/r"}}, "benchmark.results", "write the whole path"),
    case("results of 300 letters", {"benchmark": {"results": "r" * 300}}, "benchmark.results", "shorter"),
]

METHODS = [
    case("env that does not exist", {"methods": {"vae_nb": {"env": "no"}}}, "vae_nb.env", "no envs/no.yaml", "torch"),
    case("negative GPUs", {"methods": {"vae_nb": {"gpu": -1}}}, "methods.vae_nb.gpu", "-1 is below 0"),
    case("no thread", {"methods": {"vae_nb": {"threads": 0}}}, "methods.vae_nb.threads", "0 is below 1"),
    case("no memory", {"methods": {"vae_nb": {"mem_mb": 0}}}, "methods.vae_nb.mem_mb", "0 is below 100"),
    case("memory of text", {"methods": {"vae_nb": {"mem_mb": "8 GB"}}}, "vae_nb.mem_mb", "a whole number or keys and"),
    case("unknown term", {"methods": {"vae_nb": {"mem_mb": {"cell": 1}}}}, "vae_nb.mem_mb.cell", "known: base, cells"),
    case("method without keys", {"methods": {"vae_nb": None}}, "methods.vae_nb", "None is not keys and values"),
    case("two methods of one label", {"methods": {"vae_nb": {"label": " harmony"}}}, "label", "of harmony", "another"),
    case("label without a letter", {"methods": {"vae_nb": {"label": "  "}}}, "methods.vae_nb.label", "one letter"),
    case("label of two lines", {"methods": {"vae_nb": {"label": "a\nb"}}}, "methods.vae_nb.label", "no line break"),
    case("label of 400 letters", {"methods": {"vae_nb": {"label": "x" * 400}}}, "methods.vae_nb.label", "at most 100"),
    case("id of a method twice", {"methods": {"cvae_nb": {"variants": {"vae_nb": {}}}}}, "variants.vae_nb", "taken"),
    case("id of a folder", {"methods": {"cvae_nb": {"variants": {"download": {}}}}}, "variants.download", "reserved"),
    case("unknown method module", {"methods": {"no": {"label": "No", "input": "pca"}}}, "methods.no", "no module"),
    case("unknown key of a method", {"methods": {"vae_nb": {"gpus": 1}}}, "methods.vae_nb.gpus", "unknown key"),
]

DATASETS = [
    case("id ranking", {"datasets": {"ranking": {"simulate": {"n_cells": 99}}}}, "datasets.ranking", "choose another"),
    case("id datasets", {"datasets": {"datasets": {"simulate": {"n_cells": 99}}}}, "datasets.datasets", "another"),
    case("id in capitals", {"datasets": {"Mine-1": {"simulate": {"n_cells": 99}}}}, "'Mine-1'", "lower-case letters"),
    case("id of 300 letters", {"datasets": {"x" * 300: {"simulate": {"n_cells": 99}}}}, "up to 60"),
    case("id that is a number", {"datasets": {1: {}}}, "datasets", "1 is not text"),
    case("no source", {"datasets": {"mine": {}}}, "datasets.mine", "exactly one of simulate | path | url"),
    case("two sources", read(url="http://a/b.h5ad"), "datasets.mine", "exactly one of simulate | path | url"),
    case("batches as cell types", read(label_key="batch"), "datasets.mine.label_key", "is the batch_key, too"),
    case("batches as conditions", read(condition_key="batch"), "mine.condition_key", "is the batch_key, too"),
    case("level twice", read(label_key=["a", "a"]), "datasets.mine.label_key", "'a' stands twice"),
    case("no level", read(label_key=[]), "datasets.mine.label_key", "is empty"),
    case("three cells", read(max_cells=3), "datasets.mine.max_cells", "3 is below 50"),
    case("batch that is a number", read(exclude_batches=[1]), "mine.exclude_batches.0", "1 is not text"),
    case("checksum of 3 letters", read(sha256="abc"), "datasets.mine.sha256", "64 lower-case hexadecimal digits"),
    case("embedding in capitals", read(embeddings={"Ab": {"path": "x.csv"}}), "mine.embeddings", "lower-case letters"),
    case("ten cells", simulated(n_cells=10), "datasets.mine.simulate.n_cells", "10 is below 50"),
    case("10^12 cells", simulated(n_cells=10**12), "datasets.mine.simulate.n_cells", "is above 10000000"),
    case("more batches than cells", simulated(n_batches=200), "mine.simulate.n_cells", "raise n_cells"),
    case("rare type of no cell", simulated(rare_types={"type_9": 0.1}), "simulate.rare_types", "does not exist"),
    case("missing in no batch", simulated(missing_types={"b": []}), "simulate.missing_types", "does not exist"),
    case("library size nan", simulated(library_size=NAN), "simulate.library_size", "not a finite number"),
    case("simulation seed of 2^70", simulated(seed=2**70), "simulate.seed", "is above 4294967295"),
]


@pytest.mark.parametrize(("overrides", "words"), [*PARAMETERS, *SETTINGS, *METHODS, *DATASETS])
def test_a_mistake_is_refused_before_any_job(root, tmp_path, overrides, words):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(overrides))
    with pytest.raises(ConfigError) as error:
        load_config(root / "config", overrides, [str(file)])
    message = str(error.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    for word in words:
        assert word in message


URLS = ["ftp://a/b.h5ad", "http://a", "http://a/", "https:///b.h5ad", "a/b.h5ad", "file://"]


@pytest.mark.parametrize("url", URLS)
def test_a_url_without_a_server_or_a_file_name_is_refused(root, url):
    entry = {"url": url, "batch_key": "batch", "label_key": None}
    with pytest.raises(ConfigError, match=r"datasets\.mine\.url: .*ends in a file name"):
        load_config(root / "config", {"datasets": {"mine": entry}})


@pytest.mark.parametrize("results", ["results/", "results//", "./results"])
def test_a_slash_more_names_the_same_folder(root, results):
    assert load_config(root / "config", {"benchmark": {"results": results}})["benchmark"]["results"] == "results"


@pytest.mark.parametrize("results", [".", "..", "/", "config", "workflow_scripts"])
def test_results_never_lie_in_the_folders_of_the_workflow(root, monkeypatch, results):
    monkeypatch.chdir(root)
    with pytest.raises(ConfigError, match=r"benchmark\.results: .* holds the workflow itself; name a folder"):
        load_config(root / "config", {"benchmark": {"results": results}})


FILES = [
    pytest.param(
        b"benchmark:\n  seeds: [1]\n  seeds: [2]\n", "the key seeds stands twice, in lines 2 and 3", id="key twice"
    ),
    pytest.param(b"datasets: {a: {}, a: {}, b: {}}\nmethods: {}\nmethods: {}\n", "stands twice", id="section twice"),
    pytest.param(b"benchmark: [1\n", "is not valid YAML", id="not YAML"),
    pytest.param(b"benchmark: {seeds: [1]} # \xff\xfe\n", "is not a text file in UTF-8", id="not UTF-8"),
    pytest.param(b"- benchmark\n", "holds a list, not keys and values", id="list"),
    pytest.param(b"benchmark\n", "holds a str, not keys and values", id="text"),
]


@pytest.mark.parametrize(("content", "problem"), FILES)
def test_a_file_that_is_not_clear_is_refused_by_its_name(root, tmp_path, content, problem):
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_config(root / "config", {}, [str(file)])
    assert str(error.value).startswith(f"{file}: ")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_key_that_stands_twice_in_one_line_is_refused(root, tmp_path):
    (tmp_path / "mine.yaml").write_text("benchmark: {seeds: [1], seeds: [2]}\n")
    with pytest.raises(ConfigError, match="the key seeds stands twice"):
        load_config(root / "config", {}, [str(tmp_path / "mine.yaml")])


def test_a_mistake_of_the_command_line_is_not_blamed_on_a_file(root, write_yaml):
    """Snakemake hands over both in one dictionary."""
    file = write_yaml({"benchmark": {"seeds": [1], "accelerator": "cpu"}})
    with pytest.raises(ConfigError, match=r"^the command line \(--config\): benchmark\.seeds: is empty"):
        load_config(root / "config", {"benchmark": {"seeds": [], "accelerator": "cpu"}}, [file])
    file = write_yaml({"benchmark": {"seeds": [1], "accelerator": "tpu"}})
    with pytest.raises(ConfigError, match=rf"^{file}: benchmark\.accelerator"):
        load_config(root / "config", {"benchmark": {"seeds": [2], "accelerator": "tpu"}}, [file])
