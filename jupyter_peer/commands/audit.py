"""The audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Int

from ..kernel.client import Client
from ..kernel.markup import clock_time, line, text_table
from ..kernel.results import peer_title
from .server_command import ServerCommand


class LogCommand(ServerCommand):
    """Reads the audit log."""

    name = "jupyter-peer-log"
    description = "Read the audit log, newest first: what happened between this node and its peers."

    limit = Int(50, help="How many entries at most.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "limit": "LogCommand.limit",
        **ServerCommand.aliases,
    }

    def ask(self, client: Client) -> dict[str, Any]:
        self._titles = {peer["node_id"]: peer_title(peer) for peer in client.peers()}
        return {"audit": list(client.log(self.limit))}

    def show(self, answer: dict[str, Any]) -> str:
        if not answer["audit"]:
            return "nothing in the audit log yet"
        return text_table(
            ("when", "what", "peer", "detail"),
            [
                (
                    clock_time(entry["at"]),
                    line(entry["kind"]),
                    self._titles.get(entry["peer"]) or line(entry["peer"] or "-"),
                    ", ".join(f"{key}={value}" for key, value in entry["detail"].items()) or "-",
                )
                for entry in answer["audit"]
            ],
        )
