"""``jupyter peer mcp``: lets another AI client look at peers and panes, over MCP on stdio."""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Bool

from ..errors import NotEnabledError
from .server_command import ServerCommand


class McpCommand(ServerCommand):
    """Serves MCP until stdin ends."""

    name = "jupyter-peer-mcp"
    description = (
        "Serve the Model Context Protocol on stdio, for AI clients that run on this machine: they "
        "can list peers and panes and read panes. It needs the extra `mcp`: "
        "pip install 'jupyter-peer[mcp]'."
    )
    examples = """
        jupyter peer mcp                  # list_peers, list_panes, read_pane
        jupyter peer mcp --allow-ask      # ask_peer too: puts questions to agents of peers
    """

    allow_ask = Bool(False, help="Whether the client may ask peers' agents in your name.").tag(
        config=True
    )

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "allow-ask": (
            {"McpCommand": {"allow_ask": True}},
            "Let the client ask peers' agents in your name.",
        ),
        **{name: flag for name, flag in ServerCommand.flags.items() if name != "json"},
    }

    def run(self) -> None:
        """Serve; stdout belongs to the protocol."""
        try:
            from .mcp_server import make_server
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "mcp":
                raise
            raise NotEnabledError(
                "the Python package mcp is not installed",
                hint="pip install 'jupyter-peer[mcp]'",
            ) from None
        with self.connected() as client:
            client.ready()
            make_server(client, allow_ask=self.allow_ask).run("stdio")
