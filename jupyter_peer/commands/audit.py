"""The audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Int

from ..server_client.client import Client
from .shared.server_command import ServerCommand


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
        self._log = client.log(self.limit)
        return {"audit": list(self._log)}

    def show(self, answer: dict[str, Any]) -> str:
        return self._log.to_text()
