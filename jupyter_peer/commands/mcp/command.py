"""``jupyter peer mcp``: lets another AI client look at peers and panes, over MCP on stdio."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from traitlets import Bool, Unicode

from ...errors import NotEnabledError
from ..server_command import ServerCommand
from .node import client_of


class McpCommand(ServerCommand):
    """Serves MCP until stdin ends."""

    name = "jupyter-peer-mcp"
    description = (
        "Serve the Model Context Protocol on stdio, for AI clients that run on this machine: they "
        "can list peers and panes and read panes. It starts without a Jupyter server too, finds it "
        "when a tool is called, and finds it again after a restart. It needs the extra `mcp`: "
        "pip install 'jupyter-peer[mcp]'."
    )
    examples = """
        jupyter peer mcp                  # list_peers, list_panes, read_pane
        jupyter peer mcp --allow-ask      # ask_peer too: puts questions to agents of peers
        jupyter peer mcp --allow-share    # share_pane too: shares texts and pictures
        jupyter peer mcp --node ada       # the node called ada, if several run here
    """

    node = Unicode("", help="Name or id of the node to use, if several run here.").tag(config=True)
    allow_ask = Bool(False, help="Whether the client may ask peers' agents in your name.").tag(
        config=True
    )
    allow_share = Bool(
        False, help="Whether the client may share texts and pictures with peers in your name."
    ).tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "node": ("McpCommand.node", "Use the node with this name or id, if several run here."),
        **ServerCommand.aliases,
    }
    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "allow-ask": (
            {"McpCommand": {"allow_ask": True}},
            "Let the client ask peers' agents in your name.",
        ),
        "allow-share": (
            {"McpCommand": {"allow_share": True}},
            "Let the client share texts and pictures with peers in your name.",
        ),
        **{name: flag for name, flag in ServerCommand.flags.items() if name != "json"},
    }

    def run(self) -> None:
        """Serve; stdout belongs to the protocol."""
        try:
            import anyio

            from .server import PeerMcp
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("anyio", "mcp"):
                raise
            raise NotEnabledError(
                "the Python package mcp is not installed",
                hint="pip install 'jupyter-peer[mcp]'",
            ) from None
        directory = Path(self.runtime_dir)
        with client_of(directory, node=self.node, url=self.url, pid=self.pid) as client:
            server = PeerMcp(client, allow_ask=self.allow_ask, allow_share=self.allow_share)
            anyio.run(server.run)
