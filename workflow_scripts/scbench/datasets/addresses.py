"""What a URL may look like, what of it is shown, and where it may lead; the standard library only."""

from __future__ import annotations

import os
import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

SECRETS = re.compile(
    r"(^|[-_.])(token|sig|signature|secret|password|passwd|pwd|credential|api_?key|accesskeyid)$", re.IGNORECASE
)
LONGEST_NAME = 240  # bytes, so that .part still fits into the 255 of common file systems
PRIVATE = "if you trust it, set private_url: true for the dataset"
Address = IPv4Address | IPv6Address


def shown(url: str) -> str:
    """Return a URL without its user name and password, and with *** in place of tokens; for messages and records."""
    parts = urlsplit(url)
    fields = [field.partition("=") for field in parts.query.split("&")]
    query = "&".join(
        f"{name}=***" if mark and _is_secret(name) else name + mark + value for name, mark, value in fields
    )
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))


def file_name(url: str) -> str:
    """Return the name under which a download is stored; empty if the URL ends in none that a file can have."""
    name = Path(unquote(urlsplit(url).path)).name
    return name if name not in ("", "..") and name.isprintable() and len(os.fsencode(name)) <= LONGEST_NAME else ""


def problem_of(url: str, *, private: bool) -> str:
    """Return what is wrong with the text of a URL, without looking it up; empty if nothing is."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is no valid URL; correct it"
    if parts.username or parts.password or any(_is_secret(name) for name, _ in parse_qsl(parts.query)):
        words = "has a user name, password or token, which would be written into the results"
        return f"{shown(url)} {words}; keep them in ~/.netrc, or fetch the file by hand and give its path"
    if not Path(parts.path).name or not (parts.hostname or parts.scheme == "file"):
        return ""  # the schema and the download say so
    if not file_name(url):
        words = f"a URL ends in a file name of at most {LONGEST_NAME} bytes without control characters"
        return f"{shown(url)}: {words}; correct it, or fetch the file by hand and give its path"
    if not private and parts.scheme == "file":
        return f"{shown(url)} is a file of this machine; give it as path, or, {PRIVATE}"
    address = _literal(parts.hostname or "")
    if not private and address is not None and not _is_public(address):
        return f"{shown(url)} leads to an address of a private network; {PRIVATE}"
    return ""


def check_address(url: str, *, private: bool) -> None:
    """Raise ValueError if a URL or a redirect leads to a file of this machine or, unless `private`, a private network.

    Names are looked up, unless a proxy does that. A name that cannot be looked up passes, because fetching it fails.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"leads to {parts.scheme}: instead of a web server; correct the url")
    host = parts.hostname or ""
    if private:
        return
    literal = _literal(host)
    if literal is None and parts.scheme in getproxies() and not proxy_bypass(host):
        found = [ip_address("127.0.0.1")] if host == "localhost" else []
    else:
        found = [literal] if literal is not None else _looked_up(host)
    for address in found:
        if not _is_public(address):
            raise ValueError(f"leads to {host}, an address of a private network ({address}); {PRIVATE}")


def _looked_up(host: str) -> list[Address]:
    try:
        return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in socket.getaddrinfo(host, None)]
    except (OSError, UnicodeError):
        return []


def _literal(host: str) -> Address | None:
    """Return the address if the host is one, also as one number or in other forms that resolvers accept."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ip_address(socket.inet_aton(host))
    except OSError:
        return None


def _is_public(address: Address) -> bool:
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (inner or address).is_global and not address.is_multicast


def _is_secret(name: str) -> bool:
    return SECRETS.search(name) is not None
