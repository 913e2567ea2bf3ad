import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from scbench.datasets import lock as module
from scbench.datasets.lock import read_lock

download_locked = partial(module.download_locked, private=True)  # the server of the tests is on this machine


@pytest.fixture
def served(tmp_path):
    """A file with a `file:` address; returns (path, address, folder of downloads, lock file)."""
    source = tmp_path / "cells.csv"
    source.write_text("first")
    return source, source.as_uri(), tmp_path / "downloads", tmp_path / "config" / "downloads.lock"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_first_download_is_recorded_and_the_same_content_accepted_ever_after(served):
    _, url, folder, lock = served
    download_locked(url, folder, lock)
    assert lock.read_text() == f"{sha256('first')}  {url}\n"
    assert read_lock(lock) == {url: sha256("first")}
    download_locked(url, folder, lock)
    download_locked(url, folder.with_name("elsewhere"), lock)
    assert len(lock.read_text().splitlines()) == 1


def test_another_content_is_refused_with_the_remedy(served):
    source, url, folder, lock = served
    download_locked(url, folder, lock)
    source.write_text("second")
    assert download_locked(url, folder, lock).read_text() == "first", "what is there is right"
    with pytest.raises(ValueError, match="wrong sha256") as error:
        download_locked(url, folder.with_name("elsewhere"), lock)
    for word in (url, sha256("first"), sha256("second"), f"remove the line of this url from {lock}"):
        assert word in str(error.value)
    assert not list(folder.with_name("elsewhere").rglob("cells.csv*"))
    lock.write_text("")
    assert download_locked(url, folder.with_name("elsewhere"), lock).read_text() == "second"


def test_a_download_that_was_changed_by_hand_is_fetched_again(served):
    _, url, folder, lock = served
    download_locked(url, folder, lock).write_text("edited")
    assert download_locked(url, folder, lock).read_text() == "first"


def test_the_configuration_comes_before_the_lock_file_and_is_not_recorded(served):
    _, url, folder, lock = served
    download_locked(url, folder, lock, sha256("first"))
    assert not lock.exists()
    with pytest.raises(ValueError, match="the configuration says 0000"):
        download_locked(url, folder, lock, "0" * 64)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("what is this", "line 2 is not a checksum"),
        (f"{'0' * 64}  file:///a", "line 2 gives file:///a a second checksum"),
    ],
)
def test_a_lock_file_that_says_nothing_clear_is_refused(tmp_path, line, problem):
    (tmp_path / "lock").write_text(f"{'1' * 64}  file:///a\n{line}\n")
    with pytest.raises(ValueError, match=problem):
        read_lock(tmp_path / "lock")


def test_jobs_that_fetch_at_the_same_time_record_every_file_once(served):
    source, url, folder, lock = served
    others = [source.with_name(f"{number}.csv") for number in range(8)]
    for path in others:
        path.write_text(path.name)
    urls = [url, *(path.as_uri() for path in others)] * 2
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: download_locked(urls[number], folder / str(number), lock), range(len(urls))))
    assert len(lock.read_text().splitlines()) == 9
    assert read_lock(lock) == {url: sha256("first")} | {path.as_uri(): sha256(path.name) for path in others}


def test_a_user_name_and_a_password_are_not_stored(serve_files, tmp_path):
    address = serve_files({"/cells.csv": b"first"}).address
    download_locked(address.replace("//", "//me:secret@") + "/cells.csv", tmp_path, tmp_path / "lock")
    assert (tmp_path / "lock").read_text() == f"{sha256('first')}  {address}/cells.csv\n"
