"""The node of an MCP server: found anew for each connection, so it may start later or move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...server_client.client import Client
from ...server_client.connection import ControlSocket
from ...server_client.dialling import dial_to
from ..servers import choose_server, running_servers


def client_of(directory: Path, *, node: str = "", url: str = "", pid: int = 0) -> Client:
    """Return a client of the running server with a node, whichever port it listens on by then.

    Args:
        directory: Jupyter's runtime directory.
        node: Name or id of the node; empty for the only one.
        url: URL of its server; empty for any.
        pid: Process of its server; 0 for any.
    """

    async def dial(on_frame: Callable[[str | bytes | None], None]) -> ControlSocket:
        # The environment may name a server that has ended since.
        door = choose_server(running_servers(directory), url, pid, node=node, environment={})
        return await dial_to(door.url, door.secret, door.certificate)(on_frame)

    return Client(dial=dial)
