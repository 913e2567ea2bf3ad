"""Properties that hold for any input: readers of mutated files, the configuration, contracts, metrics."""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from result_files import FILES, RUN, scores

from scbench.config import load_config
from scbench.files import read_scores, write_scores
from scbench.integrity import BrokenFileError
from scbench.metrics.canonical import bounded
from scbench.metrics.clustering import ari, nmi
from scbench.types import ConfigError, ContractError

few = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def mutations(draw):
    """A change of a file: {start and end of what is replaced, as fractions}, and the new bytes."""
    start = draw(st.floats(0, 1, allow_subnormal=False))
    return start, draw(st.floats(start, 1, allow_subnormal=False)), draw(st.binary(max_size=20))


def mutated(content: bytes, change) -> bytes:
    start, end, new = change
    return content[: int(start * len(content))] + new + content[int(end * len(content)) :]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """{name: file that was written}."""
    folder = tmp_path_factory.mktemp("written")
    for name, (write, _) in FILES.items():
        write(folder / name)
    return {name: folder / name for name in FILES}


@pytest.mark.parametrize("name", FILES)
@few
@given(change=mutations())
def test_a_reader_accepts_what_was_written_and_names_anything_else(written, name, change):
    path, read = written[name], FILES[name][1]
    content = path.read_bytes()
    path.write_bytes(mutated(content, change))
    try:
        if mutated(content, change) == content:
            read(path)
        else:
            with pytest.raises(BrokenFileError, match="its content is not what was written"):
                read(path)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".h5ad")])  # a broken HDF5 may crash
@few
@given(change=mutations())
def test_without_a_digest_a_reader_raises_nothing_but_a_violated_contract_of_this_file(written, name, change):
    path, read = written[name], FILES[name][1]
    other = path.with_name(f"other_{name}")
    other.write_bytes(mutated(path.read_bytes(), change))
    try:
        read(other)
    except ContractError as error:
        assert str(error).startswith(str(other))  # noqa: PT017


@few
@given(values=st.lists(st.floats(width=64, allow_subnormal=False) | st.none(), min_size=1, max_size=6))
def test_scores_can_be_written_exactly_if_they_are_finite_and_within_their_range(tmp_path, values):
    rows = [scores()[:1].assign(metric=f"m{place}", value=value) for place, value in enumerate(values)]
    table = pd.concat(rows, ignore_index=True).astype({"value": float})
    path = tmp_path / "scores.tsv"
    if all(value is not None and abs(value) <= 1 for value in values):
        write_scores(path, table)
        np.testing.assert_array_equal(read_scores(path, RUN)["value"], table["value"])
    elif any(value is None or not abs(value) <= 1 + 1e-6 for value in values):
        with pytest.raises(ContractError):
            write_scores(path, table)


CONFIG = load_config(ROOT / "config", {})
PLACES = [
    (part, key) for part in ("benchmark", "preprocessing", "metrics", "gene_knowledge", "plots") for key in CONFIG[part]
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@few
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_value_of_a_setting_is_accepted_or_refused_with_its_key(place, value):
    part, key = place
    try:
        load_config(ROOT / "config", {part: {key: value}})
    except ConfigError as error:
        assert part in str(error)  # noqa: PT017


@few
@given(groups=st.lists(st.integers(0, 4), min_size=8, max_size=60), seed=st.integers(0, 99))
def test_agreement_does_not_depend_on_names_or_the_order_of_cells_and_is_1_for_equal_groups(groups, seed):
    random, one = np.random.default_rng(seed), np.array(groups)
    other, order = random.integers(0, 3, len(one)), random.permutation(len(one))
    names = random.permutation([f"name {number}" for number in range(5)])
    for agreement in (nmi, ari):
        value = agreement(one.astype(str), other.astype(str))
        assert -0.5 - 1e-9 <= value <= 1 + 1e-9
        assert agreement(names[one][order], other[order].astype(str)) == pytest.approx(value, abs=1e-9)
        assert agreement(one.astype(str), names[one]) == pytest.approx(1)


@few
@given(power=st.integers(-30, 30), seed=st.integers(0, 99))
def test_the_scale_of_an_embedding_does_not_change_how_it_is_scored(power, seed):
    X = np.random.default_rng(seed).standard_normal((30, 4)).astype(np.float32)
    np.testing.assert_array_equal(bounded(X * np.float32(2.0**power)), bounded(X))
