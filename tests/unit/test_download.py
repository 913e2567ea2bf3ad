import gzip
import hashlib
import io
import zipfile
from functools import partial

import h5py
import numpy as np
import pytest

from scbench.datasets import download as module

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
download = partial(module.download, private=True)  # the server of the tests is on this machine


@pytest.fixture
def serve(serve_files):
    """Serve CONTENT; returns the server with the address of the file."""

    def start(**options):
        server = serve_files({"/data/cells%20one.h5ad": CONTENT}, **options)
        server.url = f"{server.address}/data/cells%20one.h5ad?x=1"
        return server

    return start


def part_of(url, folder):
    """The partial file of a download that was broken off."""
    path = folder / hashlib.sha256(url.encode()).hexdigest()[:12] / "cells one.h5ad.part"
    path.parent.mkdir(parents=True)
    return path


def test_a_file_arrives_whole_under_its_name_with_progress(serve, tmp_path):
    lines = []
    path = download(serve().url, tmp_path, SHA256, lines.append)
    assert path.name == "cells one.h5ad"
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert 8 <= len(lines) <= 12
    assert lines[-1] == "cells one.h5ad: 0.3 MB of 0.3 MB (100 %)"


def test_a_file_that_is_there_is_not_fetched_again(serve, tmp_path):
    server = serve()
    first = download(server.url, tmp_path)
    assert download(server.url, tmp_path, SHA256) == first
    assert len(server.asked) == 1


def test_a_file_that_is_there_with_another_sha256_is_fetched_again(serve, tmp_path):
    server = serve()
    download(server.url, tmp_path).write_bytes(b"old")
    assert download(server.url, tmp_path, SHA256).read_bytes() == CONTENT


def test_files_of_one_name_from_two_addresses_stay_apart(serve, tmp_path):
    server = serve()
    assert download(server.url, tmp_path) != download(server.url + "2", tmp_path)


def test_after_a_dropped_connection_the_rest_is_fetched(serve, tmp_path):
    server = serve(drops=2)
    assert download(server.url, tmp_path, SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=150000-", "bytes=225000-"]


def test_a_partial_file_of_an_earlier_day_is_continued(serve, tmp_path):
    server = serve()
    part_of(server.url, tmp_path).write_bytes(CONTENT[:1000])
    assert download(server.url, tmp_path, SHA256).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_a_server_without_ranges_starts_over(serve, tmp_path):
    server = serve(ranges=False, drops=1)
    assert download(server.url, tmp_path, SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=150000-"]


def test_a_partial_file_that_does_not_fit_is_dropped(serve, tmp_path):
    server = serve()
    part_of(server.url, tmp_path).write_bytes(CONTENT + b"more")
    assert download(server.url, tmp_path, SHA256).read_bytes() == CONTENT
    assert server.asked == ["bytes=300004-", None]


def test_a_server_that_tells_no_size_is_read_to_the_end(serve, tmp_path):
    assert download(serve(sized=False).url, tmp_path, SHA256).read_bytes() == CONTENT


def test_another_content_than_promised_is_deleted_and_both_digests_are_named(serve, tmp_path):
    with pytest.raises(
        ValueError, match=f"wrong sha256: the file has {SHA256}, somebody says so; the download was deleted"
    ):
        download(serve().url, tmp_path, "0" * 64, expectation="somebody says so")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_refusal_is_not_tried_again(serve, tmp_path):
    server = serve(status=404)
    with pytest.raises(ValueError, match="the server answered 404 Not Found; check the url"):
        download(server.url, tmp_path)
    assert len(server.asked) == 1


def test_tries_are_bounded_and_what_came_is_kept(serve, tmp_path):
    server = serve(drops=99)
    with pytest.raises(ConnectionError, match=r"check the network and run again \(it goes on after the 0.3 MB in"):
        download(server.url, tmp_path)
    assert len(server.asked) == module.TRIES


def test_a_busy_server_is_tried_again(serve, tmp_path):
    server = serve(status=503)
    with pytest.raises(ConnectionError, match="the server answered 503"):
        download(server.url, tmp_path)
    assert len(server.asked) == module.TRIES


def test_no_network_is_one_clear_sentence(serve, tmp_path):
    server = serve()
    url = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionError, match=r"cannot be fetched \(.*refused\); check the network") as error:
        download(url, tmp_path)
    assert "HTTPConnection" not in str(error.value)


def test_a_file_url_is_copied(tmp_path):
    source = tmp_path / "the cells.h5ad"
    source.write_bytes(CONTENT)
    path = download(source.as_uri(), tmp_path / "downloads", SHA256)
    assert path.name == source.name
    assert path.read_bytes() == CONTENT
    with pytest.raises(ValueError, match="there is no file"):
        download((tmp_path / "none.h5ad").as_uri(), tmp_path / "downloads")


@pytest.mark.parametrize("url", ["ftp://host/file.h5ad", "https://host/", "file.h5ad"])
def test_other_urls_are_refused(url, tmp_path):
    with pytest.raises(ValueError, match="must be http, https or file and end in a file name"):
        download(url, tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the server sent an empty file"),
        (b"\n <!DOCTYPE html><html>Are you a robot?</html>", "the server sent a web page, not a file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "the server sent a pointer of Git LFS"),
        (gzip.compress(CONTENT, mtime=0)[:-100], "the file is incomplete or damaged"),
        (gzip.compress(b"x", mtime=0)[:-8] + bytes(8), "the file is incomplete or damaged"),
        (b"PK\x03\x04" + CONTENT[:1000], "the file is incomplete or damaged"),
        (b"\x89HDF\r\n\x1a\n" + CONTENT[:1000], "the file is incomplete or damaged"),
    ],
)
@pytest.mark.parametrize("sized", [True, False])
def test_what_is_not_the_file_is_thrown_away(serve_files, tmp_path, content, problem, sized):
    server = serve_files({"/cells.h5ad": content}, sized=sized)
    with pytest.raises(ValueError, match=problem) as error:
        download(server.address + "/cells.h5ad", tmp_path)
    assert "the download was deleted, run again, correct the url, or fetch the file by hand" in str(error.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_whole_files_of_these_formats_pass(serve_files, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a.txt", "gene")
    h5py.File(tmp_path / "a.h5", "w").close()
    contents = [gzip.compress(CONTENT), packed.getvalue(), (tmp_path / "a.h5").read_bytes()]
    for number, content in enumerate(contents):
        server = serve_files({f"/{number}": content})
        assert download(f"{server.address}/{number}", tmp_path).read_bytes() == content
