"""Chat messages. They are plain text, whatever they contain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .drawing.blocks import Block, Line, Prose, Text
from .drawing.markup import Html, clean, clock_time, faint, strong, tag
from .drawing.shown import Record, Shown
from .results import peer_title


class Message(Block):
    """One message: who, when, and the text."""

    def __init__(self, line: Mapping[str, Any]) -> None:
        peer = peer_title(line.get("peer") or {})
        self._who = f"you to {peer}" if line.get("mine") else peer
        self._when = clock_time(float(line.get("at") or 0))
        self._words = line.get("text", "")

    def html(self) -> Html:
        who = tag("span", strong(self._who), faint(f" {self._when}"))
        return tag("div", who, Prose(self._words).html(), style="margin-bottom: 6px;")

    def text(self) -> str:
        words = clean(self._words).replace("\n", "\n    ")
        return f"{self._when} {self._who}: {words}"


class ChatLine(Shown, Record):
    """The message that was sent: ``number, peer, mine, at, text``."""

    _KEY = "line"

    def _describe(self) -> list[Block]:
        return [Message(self)]

    def to_terminal(self) -> tuple[str, str]:
        # The sender has just typed it.
        return "", "sent"


class ChatLines(Shown, list[ChatLine]):
    """The last messages, oldest first.

    Args:
        lines: Lines from the server.
        peer: With this peer; None for all.
    """

    _KEY = "lines"

    def __init__(self, lines: Iterable[Mapping[str, Any]] = (), peer: str | None = None) -> None:
        super().__init__(ChatLine(line) for line in lines)
        self._nothing = (
            "There are no messages. Send one: %peer chat PEER TEXT"
            if peer is None
            else f"There are no messages with {peer}. Send one: %peer chat {peer} TEXT"
        )

    def _describe(self) -> list[Block]:
        return [Message(line) for line in self] or [Line(Text(self._nothing, "faint"))]
