"""One entry per metric is enough: configuration, scores, labels and totals derive from it."""

import dataclasses
import importlib.metadata
import re
import subprocess
import sys
import typing

import pytest

from scbench.config import ConfigError, load_config
from scbench.metrics.catalogue import ENTRIES, METRICS
from scbench.metrics.metric import GROUPS, NEEDS, Direction
from scbench.metrics.scored import Scored
from scbench.metrics.suite import argument_names
from scbench.ranking.summary import SILHOUETTES
from scbench.report.labels import GROUP_LABELS, label

FAKE = dataclasses.replace(METRICS["nmi_own"], id="made_up", label="Made up")


def test_ids_and_labels_are_unique():
    assert len({entry.id for entry in ENTRIES}) == len({entry.label for entry in ENTRIES}) == len(ENTRIES)
    assert not set(METRICS) & set(GROUP_LABELS)
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in METRICS)


@pytest.mark.parametrize("metric", ENTRIES, ids=lambda metric: metric.id)
def test_every_entry_fits_its_function(metric):
    given = argument_names(metric, metric.load())
    assert set(metric.arguments) <= set(given)
    known = {field.name for field in dataclasses.fields(Scored)} | set(vars(Scored))
    assert set(given.values()) <= known, "a parameter without a default is an attribute of Scored"
    assert metric.group in GROUPS
    assert metric.needs <= set(NEEDS)
    assert metric.direction in typing.get_args(Direction)
    assert metric.direction == "higher" or metric.group == "extra", "a total is a mean of values of which 1 is best"
    assert all(importlib.metadata.version(package) for package in metric.packages)


@pytest.mark.parametrize("metric", ENTRIES, ids=lambda metric: metric.id)
def test_what_an_entry_takes_it_needs(metric):
    """No metric is called without the labels, batches, clusters or phases it reads."""
    taken = set(argument_names(metric, metric.load()).values())
    from_labels = {"labels", "leiden_best", "kmeans", "widths", "batch_widths", "cosine_widths", "mixing", "accepted"}
    alone = {need: {need} for need in ("clusters", "expression", "batch_pca", "pseudotime")}
    for need, arguments in (
        {"labels": from_labels, "cell_cycle": {"phases"}, "conditions": {"condition"}} | alone
    ).items():
        assert (need in metric.needs) == bool(taken & arguments), need


def test_the_catalogue_is_read_without_any_package(root):
    code = "import sys; import scbench.metrics.catalogue; print({m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-Sc", code], cwd=root / "workflow_scripts", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "numpy" not in done.stdout


def test_labels_and_silhouettes_are_those_of_the_catalogue(monkeypatch):
    assert [label(name) for name in ("nmi_leiden_best", "kbet", "bio", "unknown")] == [
        *("NMI", "kBET", "Bio conservation", "unknown")
    ]
    assert set(SILHOUETTES) == {
        *("silhouette_cell_type", "silhouette_clusters", "isolated_labels", "silhouette_batch", "bras")
    }
    monkeypatch.setitem(METRICS, "made_up", FAKE)
    assert label("made_up") == "Made up"


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"bio": ["nmi_own", "made_up"]}, ["metrics.bio.1: 'made_up' is no metric; known: nmi_leiden_best"]),
        ({"bio": ["NMI"]}, ["metrics.bio.0: 'NMI' is no metric"]),
        ({"batch": ["clisi"]}, ["metrics.batch.0: 'clisi' does not count under batch; list it under bio or extra"]),
        ({"bio": ["kbet"]}, ["metrics.bio.0: 'kbet' does not count under bio; list it under batch or extra"]),
        ({"batch": ["batch_classifier"]}, ["'batch_classifier' does not count under batch; list it under extra"]),
        (
            {"presets": {"mine": {"bio": [], "batch": ["bras", "ari_own"], "extra": []}}},
            ["metrics.presets.mine.batch.1: 'ari_own' does not count under batch"],
        ),
    ],
)
def test_a_metric_that_is_unknown_or_misplaced_is_refused(root, write_yaml, metrics, words):
    overrides = {"metrics": metrics}
    file = write_yaml(overrides)
    with pytest.raises(ConfigError) as error:
        load_config(root / "config", overrides, [file])
    assert str(error.value).startswith(f"{file}: metrics.")
    for word in words:
        assert word in str(error.value)


def test_every_metric_is_accepted_in_its_group_and_under_extra(root, monkeypatch):
    monkeypatch.setitem(METRICS, "made_up", FAKE)
    groups = {group: [name for name, metric in METRICS.items() if metric.group == group] for group in GROUPS}
    load_config(root / "config", {"metrics": groups})
    chosen = {"bio": [], "batch": [], "extra": list(METRICS)}
    assert load_config(root / "config", {"metrics": chosen})["metrics"]["extra"] == list(METRICS)
