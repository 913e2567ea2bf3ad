"""URLs of datasets: no secrets are shown or stored, and none leads into a private network unless a key allows it."""

import socket
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scbench.config import load_config
from scbench.datasets import addresses
from scbench.datasets import download as module
from scbench.datasets.addresses import check_address, problem_of, shown
from scbench.datasets.download import download
from scbench.types import ConfigError

SECRET = "hunter2"


@pytest.fixture
def redirect(monkeypatch):
    """Start a server that answers every request with a redirect to an address."""
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(target):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(302)
                self.send_header("Location", target)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/cells.h5ad"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def refused(root, entry):
    with pytest.raises(ConfigError) as error:
        load_config(root / "config", {"datasets": {"mine": {"batch_key": "b", "label_key": None, **entry}}})
    assert SECRET not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        f"https://me:{SECRET}@host.org/cells.h5ad",
        f"https://{SECRET}@host.org/cells.h5ad",
        f"ftp://me:{SECRET}@host.org/cells.h5ad",
        f"https://host.org/cells.h5ad?file=1&token={SECRET}",
        f"https://host.org/cells.h5ad?X-Amz-Signature={SECRET}",
        f"https://host.org/cells.h5ad?api_key={SECRET}",
    ],
)
@pytest.mark.parametrize("key", ["url", "metadata"])
def test_a_url_with_a_secret_is_refused_before_any_job_and_the_secret_not_shown(root, url, key):
    entry = {"url": "https://host.org/cells.h5ad"} | {key: url}
    assert f"datasets.mine.{key}: " in (message := refused(root, entry))
    assert "keep them in ~/.netrc, or fetch the file by hand and give its path" in message


def test_secrets_are_not_in_messages_of_downloads(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(OSError("no such name")))
    lines = []
    with pytest.raises(ConnectionError) as error:
        download(f"http://me:{SECRET}@none.invalid/a.h5ad?sig={SECRET}", tmp_path, report=lines.append)
    assert "none.invalid/a.h5ad?sig=***" in str(error.value)
    assert SECRET not in str(error.value) + "".join(lines)
    assert shown("https://u@h/a?acc=GSE1&format=file&token=x") == "https://h/a?acc=GSE1&format=file&token=***"


@pytest.mark.parametrize("name", ["%2e%2e", "a%00b.h5ad", "a%0Ab.h5ad", "a" * 300 + ".h5ad"])
def test_a_url_that_ends_in_no_usable_name_is_refused(root, tmp_path, name):
    message = refused(root, {"url": f"https://host.org/data/{name}"})
    assert "a URL ends in a file name of at most 240 bytes without control characters" in message
    with pytest.raises(ValueError, match="end in a file name"):
        download(f"https://host.org/data/{name}", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        *(f"http://{host}/a.h5ad" for host in ("127.0.0.1", "10.0.0.8", "169.254.169.254", "0x7f000001", "2130706433")),
        *(f"http://{host}/a.h5ad" for host in ("[::1]", "[fe80::1]", "[::ffff:192.168.0.1]", "100.64.0.1", "0.0.0.0")),
    ],
)
def test_files_and_private_addresses_need_a_key(root, url):
    assert "if you trust it, set private_url: true for the dataset" in refused(root, {"url": url})
    load_config(root / "config", {"datasets": {"mine": {"url": url, "private_url": True} | KEYS}})


KEYS = {"batch_key": "b", "label_key": None}


def test_names_are_looked_up(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 0))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: found)
    assert problem_of("http://metadata.example.org/a.h5ad", private=False) == "", "no look-up while planning"
    with pytest.raises(ValueError, match=r"leads to metadata.example.org, an address of a private network"):
        download("http://metadata.example.org/a.h5ad", tmp_path)
    found[0] = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 0))
    check_address("http://metadata.example.org/a.h5ad", private=False)


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "http://10.1.2.3/a", "file:///etc/passwd"]
)
def test_a_redirect_into_a_private_network_or_to_a_file_is_refused(redirect, tmp_path, monkeypatch, target):
    url = redirect(target)
    allowed = partial(check_address, private=True)
    monkeypatch.setattr(  # the server of the test is private itself
        module,
        "check_address",
        lambda asked, private: allowed(asked) if asked == url else check_address(asked, private=private),
    )
    with pytest.raises(ValueError, match=r"leads to (169.254.169.254|10.1.2.3|file:)"):
        download(url, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_redirect_to_a_file_is_refused_even_in_a_private_network(redirect, tmp_path):
    with pytest.raises(ValueError, match="leads to file: instead of a web server"):
        download(redirect("file:///etc/passwd"), tmp_path, private=True)
