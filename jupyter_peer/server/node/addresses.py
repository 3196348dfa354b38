"""URLs of this server: for its kernels, and those at which browsers have reached it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from jupyter_server.serverapp import ServerApp

from ...wire.addresses import host_of, is_loopback

WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound here
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?", re.IGNORECASE
)


def is_on_unix_socket(serverapp: ServerApp) -> bool:
    """Return whether the server listens on a UNIX socket only, which no peer can dial."""
    return bool(serverapp.sock)


def certificate_of(serverapp: ServerApp) -> str | None:
    """Return the path of the server's TLS certificate, if it has one."""
    options: Mapping[str, str] = serverapp.ssl_options or {}
    return serverapp.certfile or options.get("certfile") or None


def local_url(serverapp: ServerApp) -> str:
    """Return the server's URL with its base URL as seen from the same machine.

    On a UNIX socket it is Jupyter's ``http+unix://`` form. It names the socket, but no program
    of this project can dial it.
    """
    if is_on_unix_socket(serverapp):
        return str(serverapp.connection_url)
    scheme = "https" if certificate_of(serverapp) else "http"
    host = WILDCARDS.get(serverapp.ip, serverapp.ip)
    return f"{scheme}://{_bracketed(host)}:{serverapp.port}{serverapp.base_url}"


def peer_address(scheme: str, host: str, base_url: str) -> str:
    """Return the address peers dial when HTTP is at ``scheme://host``; ``host`` may have a port."""
    ws = {"http": "ws", "https": "wss"}[scheme]
    return f"{ws}://{host}{base_url}peer-ws"


def learned_address(headers: Mapping[str, str], scheme: str, base_url: str) -> str | None:
    """Return the address at which a browser reaches this server, from its request.

    Behind a proxy that ends TLS, the request arrives as plain HTTP. The page's ``Origin`` then still
    has https, and it is trusted if it names the same host.

    Args:
        headers: The request's headers, of an authenticated user only.
        scheme: ``http`` or ``https``, as the server sees the request.
        base_url: The server's base URL.

    Returns:
        None if the host is loopback, which the server knows already, or is not a valid host.
    """
    host = headers.get("Host", "")
    if not is_host(host) or is_loopback(host_of(f"//{host}")):
        return None
    origin = headers.get("Origin", "").lower()
    for candidate in ("http", "https"):
        if origin == f"{candidate}://{host.lower()}":
            scheme = candidate
    if scheme not in ("http", "https"):
        return None
    return peer_address(scheme, host, base_url)


def is_host(text: str) -> bool:
    """Return whether a text is a host that can be dialled, with or without a port."""
    try:
        parts = urlsplit(f"//{text}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not name or parts.netloc != text or "@" in text or port == 0:
        return False
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _HOST_NAME.fullmatch(name) is not None
    return not (address.is_unspecified or address.is_multicast)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
