import os

import numpy as np
import pytest

from scbench.datasets.fingerprint import fingerprint


def test_the_content_counts_and_the_time_does_not(tmp_path):
    file = tmp_path / "cells.h5ad"
    file.write_bytes(b"a" * 100)
    before = fingerprint([file])
    os.utime(file, (1, 1))
    assert fingerprint([str(file)]) == before
    file.write_bytes(b"b" * 100)
    assert fingerprint([file]) != before


@pytest.mark.parametrize("place", [0, 2_000_000, 4_999_999])
def test_a_large_file_is_told_apart_by_its_start_middle_and_end(tmp_path, place):
    content = bytearray(np.random.default_rng(0).bytes(5_000_000))
    file = tmp_path / "cells.h5ad"
    file.write_bytes(content)
    before = fingerprint([file])
    content[place - 1000 : place + 1000] = bytes(len(content[place - 1000 : place + 1000]))
    content[place] ^= 1
    file.write_bytes(content)
    assert fingerprint([file]) != before


def test_files_in_a_folder_and_their_names_count(tmp_path):
    inside = tmp_path / "cells.zarr" / "X" / "0.0"
    inside.parent.mkdir(parents=True)
    inside.write_bytes(b"1")
    found = [fingerprint([tmp_path / "cells.zarr"])]
    inside.write_bytes(b"2")
    found.append(fingerprint([tmp_path / "cells.zarr"]))
    inside.rename(inside.with_name("0.1"))
    found.append(fingerprint([tmp_path / "cells.zarr"]))
    assert len(set(found)) == 3
    assert fingerprint([tmp_path / "missing"]) != fingerprint([])
