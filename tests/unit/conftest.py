"""Modules of methods beside those of the library; a web server on this machine that misbehaves on demand."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from scbench import spec
from scbench.datasets import download


@pytest.fixture
def methods(tmp_path, monkeypatch):
    """Write modules of methods into a folder of their own, beside those of the library."""
    import scbench.methods

    for path in spec.METHODS_FOLDER.glob("*.py"):
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.setattr(spec, "METHODS_FOLDER", tmp_path)
    monkeypatch.setattr(scbench.methods, "__path__", [str(tmp_path), *scbench.methods.__path__])

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    return write


class Server(ThreadingHTTPServer):
    """Serves {path: content}; notes the path and the Range of each request.

    `drops` requests end after half of their bytes; `status` answers every request; `ranges=False` ignores Range;
    `sized=False` leaves out Content-Length.
    """

    daemon_threads = True

    def __init__(self, files, *, ranges=True, drops=0, status=None, sized=True):
        self.files, self.ranges, self.drops, self.status, self.sized = files, ranges, drops, status, sized
        self.asked, self.paths = [], []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked, path = self.server, self.headers.get("Range"), urlsplit(self.path).path
        server.asked.append(asked)
        server.paths.append(path)
        content = server.files.get(path)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.ranges else 0
        if server.status or content is None or (start and start >= len(content)):
            self.send_response(server.status or (404 if content is None else 416))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = content[start:]
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
def serve_files(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setattr(download, "TIMEOUT", 5.0)
    monkeypatch.setattr(download, "BLOCK", 10_000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(files, **options):
        servers.append(Server(files, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
