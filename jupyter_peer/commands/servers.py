"""Finds the Jupyter server for a command: the only one that runs, or the chosen one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from ..errors import AmbiguousServerError, NoServerError
from ..server.control.runtime_file import RunningServer
from ..server_client.client import URL

_PORTS = {"http": 80, "https": 443}
_START = (
    "start one with `jupyter lab`; if one runs, `jupyter peer doctor` shows why it is not found"
)


class Door(NamedTuple):
    """The connection data of a server: its URL, its secret, and its certificate."""

    url: str
    secret: str
    certificate: str | None


def running_servers(directory: Path) -> list[RunningServer]:
    """Return the servers of this user that run now, oldest process number first.

    Args:
        directory: Jupyter's runtime directory.
    """
    found = []
    for path in directory.glob("jupyter-peer-*.json"):
        # A server may end at any moment, with or without removing its file.
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            server = msgspec.json.decode(path.read_bytes(), type=RunningServer)
            if is_running(server.pid):
                found.append(server)
    return sorted(found, key=lambda server: server.pid)


def is_running(pid: int) -> bool:
    """Return whether there is a process of this number."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def choose_server(
    servers: Sequence[RunningServer],
    url: str = "",
    pid: int = 0,
    environment: Mapping[str, str] = os.environ,
    *,
    node: str = "",
) -> Door:
    """Return the connection data of the chosen server.

    Args:
        servers: The running servers.
        url: Any URL of the server, as copied from a browser; empty for no choice.
        pid: Its process; 0 for no choice.
        environment: Environment variables. In a notebook (``!jupyter peer ...``) they name the
            notebook's server, the default choice. The secret is in the runtime file.
        node: Name or id of its node; empty for no choice.

    Raises:
        NoServerError: No server runs, or not the chosen one.
        AmbiguousServerError: Several servers run and none was chosen.
    """
    if not url and not pid and not node:
        url = environment.get(URL, "")
    fitting = [
        server
        for server in servers
        if (not pid or server.pid == pid)
        and (not url or is_page_of(url, server.url))
        and (not node or node.casefold() in (server.node_id, server.node_name.casefold()))
    ]
    if len(fitting) == 1:
        [server] = fitting
        return Door(server.url, server.secret, server.certificate)
    listed = ", ".join(
        f"{server.url} ({' '.join(filter(None, (server.node_name, f'pid {server.pid}')))})"
        for server in servers
    )
    if fitting:
        raise AmbiguousServerError(hint=f"choose one with --url or --pid: {listed}")
    if not servers:
        raise NoServerError(hint=_START)
    wanted = (f"node {node}" if node else "", url, f"pid {pid}" if pid else "")
    meant = " and ".join(filter(None, wanted))
    raise NoServerError(f"no server with jupyter-peer at {meant}", hint=f"there is {listed}")


def is_page_of(page: str, base: str) -> bool:
    """Return whether a URL belongs to the server with this base URL; its query does not count."""
    asked, known = _place(page), _place(base)
    return asked[:2] == known[:2] and asked[2].startswith(known[2])


def _place(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = -1
    host = parts.hostname or ""
    return "127.0.0.1" if host == "localhost" else host, port, f"{parts.path.rstrip('/')}/"
