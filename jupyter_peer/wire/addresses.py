"""The addresses of nodes, relays and lobbies (SPEC section 7)."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ..errors import BadAddressError

PATH = "/peer-ws"
GUEST_PATH = "/guest-ws"
RELAY_PATH = "/relay-ws"
LOBBY_PATH = "/lobby-ws"
RELAY_SCHEME = "relay:"
MAX_ADDRESS = 512
MAX_RELAY_URLS = 8
_BEFORE_URL = re.compile(r"^(lan|relay|webrtc):(?=\w+://)")


def normalize_address(text: str) -> str:
    """Return an address as a WebSocket URL.

    Accepted forms are ``host``, ``host:port``, ``[v6]:port``, ``http(s)://...`` and ``ws(s)://...``.
    A path that does not end in ``/peer-ws`` counts as the base URL of a Jupyter server.

    Raises:
        BadAddressError: The text has another form.
    """
    return _normalize(text, PATH)


def host_of(address: str) -> str:
    """Return the host of a URL; empty if the URL has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Return whether a host always means this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def leads_here(address: str) -> bool:
    """Return whether an address of any transport leads to the machine that dials it."""
    url = address if "://" not in address else _BEFORE_URL.sub("", address).partition(",")[0]
    return is_loopback(host_of(url))


def is_ip_address(host: str) -> bool:
    """Return whether a host is an IP address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def relay_urls(text: str) -> list[str]:
    """Return the URLs of a relay in the form that nodes announce, with the path ``/relay-ws``.

    A relay of several brokers may be given by all their URLs, separated by commas. Each is
    ``host``, ``host:port``, ``[v6]:port`` or a URL of http, https, ws or wss.

    Raises:
        BadAddressError: An entry has another form, or there are none or more than eight.
    """
    return list(dict.fromkeys(_normalize(part, RELAY_PATH) for part in _parts(text)))


def lobby_urls(text: str) -> list[str]:
    """Return the URLs of a lobby with the path ``/lobby-ws``; accepts the URL of its relay too.

    Raises:
        BadAddressError: As for :func:`relay_urls`.
    """
    bases = [part.strip().rstrip("/").removesuffix(RELAY_PATH) for part in _parts(text)]
    return list(dict.fromkeys(_normalize(base, LOBBY_PATH) for base in bases))


def lobby_name(urls: list[str]) -> str:
    """Return the name that invites and addresses use for the lobby at these URLs."""
    return ",".join(url.removesuffix(LOBBY_PATH) for url in urls)


def _parts(text: str) -> list[str]:
    parts = [part for part in text.split(",") if part.strip()] if len(text) <= MAX_ADDRESS else []
    if not 0 < len(parts) <= MAX_RELAY_URLS:
        raise BadAddressError("a relay is given by one to eight URLs")
    return parts


def relay_address(urls: list[str]) -> str:
    """Return the address that dials a node over the relay at these URLs."""
    return RELAY_SCHEME + ",".join(url.removesuffix(RELAY_PATH) for url in urls)


def _normalize(text: str, ending: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= MAX_ADDRESS or any(char.isspace() or ord(char) < 33 for char in text):
        raise BadAddressError
    if "://" not in text:
        text = "ws://" + text
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddressError from error
    scheme = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}.get(parts.scheme)
    if scheme is None or not host or parts.username is not None or parts.query or parts.fragment:
        raise BadAddressError
    if not all(char.isalnum() or char in "-._:%" for char in host):
        raise BadAddressError
    path = parts.path.rstrip("/")
    if not path.endswith(ending):
        path += ending
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}{f':{port}' if port else ''}{path}"
