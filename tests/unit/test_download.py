import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from scbench.datasets import download as module
from scbench.datasets.download import download

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT at every address; notes the Range of each request."""

    daemon_threads = True

    def __init__(self, *, ranges=True, drops=0, status=None, sized=True):
        self.ranges, self.drops, self.status, self.sized, self.asked = ranges, drops, status, sized, []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/data/cells%20one.h5ad?x=1"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.ranges else 0
        if server.status or start >= len(CONTENT):
            self.send_response(server.status or 416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = CONTENT[start:]
        self.send_response(206 if asked and server.ranges else 200)
        if server.sized:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.drops:
            server.drops -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setattr(module, "TIMEOUT", 5.0)
    monkeypatch.setattr(module, "BLOCK", 10_000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(**options):
        servers.append(Server(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


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
    with pytest.raises(ValueError, match=f"wrong sha256: the file has {SHA256} and was deleted, somebody says so"):
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
