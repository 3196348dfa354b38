"""How the addresses of nodes are written (SPEC section 7)."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import BadAddressError

PATH = "/peer-ws"
MAX_ADDRESS = 512


def normalize_address(text: str) -> str:
    """Return an address as a WebSocket URL.

    ``host``, ``host:port``, ``[v6]:port``, ``http(s)://...`` and ``ws(s)://...`` are understood; a
    path that does not end in ``/peer-ws`` is taken as the base URL of a Jupyter server.

    Raises:
        BadAddressError: It is none of these.
    """
    text = text.strip()
    if not 0 < len(text) <= 512 or any(char.isspace() or ord(char) < 33 for char in text):
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
    if not path.endswith(PATH):
        path += PATH
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}{f':{port}' if port else ''}{path}"
