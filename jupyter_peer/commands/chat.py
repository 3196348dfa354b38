"""What is written to peers, and what they have written."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from traitlets import Int

from ..server_client.client import Client
from ..server_client.results.chat import ChatLines
from ..wire.payloads.chat import MAX_TEXT
from .peers import NAMES
from .shared.server_command import ServerCommand


class ChatCommand(ServerCommand):
    """Writes to a peer, or shows the last lines."""

    name = "jupyter-peer-chat"
    words = "[PEER] [TEXT]"
    description = (
        "Write to a connected peer; without TEXT, show the last lines with it, and without PEER "
        f"those with all. With `-` as TEXT it is read from stdin. {NAMES}"
    )
    examples = """
        jupyter peer chat bob "the run is done"
        tail -n 20 train.log | jupyter peer chat bob -
        jupyter peer chat
    """

    limit = Int(50, min=1, max=1000, help="How many lines are shown at most.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "limit": "ChatCommand.limit",
        **ServerCommand.aliases,
    }

    def start(self) -> None:
        """Take all words behind the peer as the text."""
        peer, text = self.extra_args[:1], self.extra_args[1:]
        self.extra_args = [*peer, " ".join(text)] if text else peer
        super().start()

    def ask(self, client: Client) -> dict[str, Any]:
        if len(self.extra_args) == 2:
            peer, text = self.extra_args
            # one more than fits, so that too much is refused instead of cut
            said = sys.stdin.read(MAX_TEXT + 1) if text == "-" else text
            return {"line": client.chat(peer, said)}
        of = self.extra_args[0] if self.extra_args else None
        return {"lines": list(client.chats(of, self.limit))}

    def show(self, answer: dict[str, Any]) -> str:
        if "line" in answer:
            return ""
        return ChatLines(answer["lines"]).to_text()

    def note(self, answer: dict[str, Any]) -> str:
        return "sent" if "line" in answer else ""
