"""Asking a peer's agent from a terminal: the answer is written as it comes."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from traitlets import Float, Unicode

from ..server_client.client import Client
from ..server_client.results.markup import clean
from .peers import NAMES
from .shared.server_command import ServerCommand


class AskCommand(ServerCommand):
    """Asks."""

    name = "jupyter-peer-ask"
    words = "PEER [TEXT]"
    description = (
        f"Ask a peer's agent; the answer is written to stdout as it comes. {NAMES} Without TEXT the "
        "question is read from stdin. Ctrl-C cancels it at the peer too."
    )
    examples = """
        jupyter peer ask ada "what is the final loss?"
        jupyter peer ask ada --timeout=10 --json < question.txt
    """

    agent = Unicode("", help="Which of the peer's agents; empty leaves it to the peer.").tag(
        config=True
    )
    timeout = Float(60.0, help="Seconds to wait for the answer.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        **ServerCommand.aliases,
        "agent": ("AskCommand.agent", "Ask this agent of the peer."),
        "timeout": ("AskCommand.timeout", "Wait this many seconds for the answer."),
    }

    def start(self) -> None:
        """Take all words behind the peer as the question."""
        peer, text = self.extra_args[:1], self.extra_args[1:]
        self.extra_args = [*peer, " ".join(text)] if text else peer
        super().start()

    def ask(self, client: Client) -> dict[str, Any]:
        peer, *given = self.extra_args
        text = given[0] if given else sys.stdin.read()
        stream = client.ask_stream(peer, text, self.timeout, agent=self.agent or None)
        last = "\n"
        try:
            for piece in stream:
                if not self.as_json:
                    sys.stdout.write(clean(piece))
                    sys.stdout.flush()
                    last = piece[-1:] or last
        finally:
            stream.close()
            if last != "\n":
                sys.stdout.write("\n")
                sys.stdout.flush()
        return {"ok": True, "answer": str.__str__(stream.answer)}

    def show(self, answer: dict[str, Any]) -> str:
        return ""
