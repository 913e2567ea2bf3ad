"""Jobs ask for what the size of their dataset needs, more at every attempt, and do not start in vain."""

import pytest

from scbench import resources
from scbench.resources import (
    Size,
    estimate,
    is_mendable,
    machine_memory_mb,
    memory_mb,
    read_size,
    runtime_minutes,
    too_large,
)

SIZE = Size(cells=10_000, genes=2000, batches=4)
COEFFICIENTS = {"base": 300, "cells": 2, "values": 10, "batches": 0.5}


def test_an_estimate_is_the_sum_of_its_terms():
    assert estimate(COEFFICIENTS, SIZE) == 300 + 2 * 10 + 10 * 20 + 0.5 * 40
    assert estimate(8000, SIZE) == 8000


def test_coefficients_get_a_margin_and_numbers_are_taken_at_their_word_and_both_grow():
    assert memory_mb(COEFFICIENTS, SIZE) > 1.5 * estimate(COEFFICIENTS, SIZE)
    assert [memory_mb(8000, SIZE, attempt) for attempt in (1, 2, 3)] == [8000, 16000, 24000]
    assert [runtime_minutes(60, SIZE, attempt) for attempt in (1, 2, 3)] == [60, 120, 180]
    assert runtime_minutes({"base": 30}, SIZE, 2) == 2 * runtime_minutes({"base": 30}, SIZE) > 120
    assert runtime_minutes({"base": 0.1}, SIZE) == resources.MIN_MINUTES


def test_a_dataset_that_is_not_prepared_counts_as_empty(tmp_path):
    (tmp_path / "size.json").write_text('{"cells": 5, "genes": 4, "batches": 3}')
    assert read_size(tmp_path / "size.json") == Size(5, 4, 3)
    assert read_size(tmp_path / "missing.json") == Size(0, 0, 0)


def test_a_container_has_the_memory_of_its_limit(tmp_path, monkeypatch):
    whole = machine_memory_mb()
    monkeypatch.setattr(resources, "CGROUP", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text(f"{100 * 2**20}\n")
    assert machine_memory_mb() == 100
    (tmp_path / "memory.max").write_text("max\n")
    assert machine_memory_mb() >= whole


def test_memory_above_that_of_the_machine_is_too_large(monkeypatch):
    monkeypatch.setattr(resources, "machine_memory_mb", lambda: 16_000)
    assert too_large(16_000) == ""
    assert "needs about 16,001 MB of memory, this machine has 16,000 MB" in too_large(16_001)


@pytest.mark.parametrize(
    ("error", "mendable"),
    [
        (ValueError("wrong on every node"), False),
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"), True),
        (OSError(12, "Cannot allocate memory"), True),
    ],
)
def test_only_a_lack_of_memory_is_mended_by_memory(error, mendable):
    assert is_mendable(error) is mendable
