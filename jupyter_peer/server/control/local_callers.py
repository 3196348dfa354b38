"""Whether a request comes from this machine without anything in between.

Only then does a secret open the control socket. A secret may leak (a pane, a log, a backup), and is
then useless on other machines. A proxy on this machine makes every request arrive from loopback. So a
request with headers of a proxy is refused, and so is one to a foreign host name.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

from ...wire.addresses import is_loopback

#: Headers that proxies add (RFC 7239, RFC 9110 section 7.6.3, and what is in use).
_PROXY_HEADERS = frozenset(
    {
        "forwarded",
        "via",
        "x-client-ip",
        "x-original-host",
        "x-real-ip",
        "x-scheme",
        "true-client-ip",
    }
)
_PROXY_PREFIXES = ("x-forwarded", "x-original-forwarded", "x-proxied", "cf-", "fly-", "x-envoy-")


def why_not_local(request: HTTPServerRequest, own_host: str) -> str | None:
    """Return why a request may come from elsewhere, None when it comes from this machine.

    Args:
        request: Before its connection is detached from the HTTP server.
        own_host: The host under which kernels of this machine reach the server.
    """
    peer, own = _ends(request)
    headers = request.headers
    if peer is None or not is_same_machine(peer, own):
        return "it comes from another machine"
    return why_not_direct(headers, {own_host.lower(), own})


def is_same_machine(peer: str, own: str) -> bool:
    """Return whether both addresses of a connection belong to one machine.

    No other machine can complete a connection from the address that it connects to.
    """
    return peer == own or is_loopback(_unmapped(peer))


def why_not_direct(headers: Mapping[str, str], own_hosts: set[str]) -> str | None:
    """Return why a request seems to come from a page or a proxy; None if it does not.

    Args:
        headers: Headers of the request.
        own_hosts: Hosts that ``Host`` may name besides loopback.
    """
    for lower in map(str.lower, headers):
        if lower == "origin":
            return "a web page sent it"
        if lower in _PROXY_HEADERS or lower.startswith(_PROXY_PREFIXES):
            return "a proxy forwarded it"
    try:
        host = urlsplit(f"//{headers.get('Host', '')}").hostname or ""
    except ValueError:
        host = ""
    return None if is_loopback(host) or host in own_hosts else "it names another host"


def _ends(request: HTTPServerRequest) -> tuple[str | None, str]:
    """Return both addresses of the connection itself, regardless of headers: peer's and own."""
    stream = getattr(request.connection, "stream", None)
    connection: socket.socket | None = getattr(stream, "socket", None)
    if connection is None:
        return None, ""
    try:
        peer, own = connection.getpeername(), connection.getsockname()
    except OSError:
        return None, ""
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        # A UNIX socket: only this machine reaches it.
        return "127.0.0.1", "127.0.0.1"
    return str(peer[0]), str(own[0])


def _unmapped(address: str) -> str:
    try:
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
    except ValueError:
        return address
    return str(mapped) if mapped is not None else address
