"""Lines of a conversation, with a face in the notebook. They are text, whatever is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .markup import Html, clean, clock_time, escape, faint, join, strong, tag
from .results import Record, Shown, peer_title

_TEXT = "white-space: pre-wrap; overflow-wrap: anywhere;"


class ChatLine(Shown, Record):
    """One line: ``number, peer, mine, at, text``."""

    def _html(self) -> Html:
        return line_html(self)

    def _text(self) -> str:
        return _plain(self)


class ChatLines(Shown, list[ChatLine]):
    """The last lines, oldest first.

    Args:
        lines: As the server gives them.
        peer: With whom; None for all.
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]] = (), peer: str | None = None) -> None:
        super().__init__(ChatLine(line) for line in lines)
        self._nothing = (
            "nobody has written anything: %peer chat PEER TEXT"
            if peer is None
            else f"nothing yet: %peer chat {peer} TEXT"
        )

    def _html(self) -> Html:
        return join(line_html(line) for line in self) if self else faint(self._nothing)

    def _text(self) -> str:
        return "\n".join(_plain(line) for line in self) if self else self._nothing


def line_html(line: Mapping[str, Any]) -> Html:
    """Return one line as HTML that shows it as text."""
    who = tag("span", strong(_who(line)), faint(f" {_when(line)}"))
    return tag(
        "div",
        who,
        tag("div", escape(line.get("text", "")), style=_TEXT),
        style="margin-bottom: 6px;",
    )


def _who(line: Mapping[str, Any]) -> str:
    peer = peer_title(line.get("peer") or {})
    return f"you to {peer}" if line.get("mine") else peer


def _when(line: Mapping[str, Any]) -> str:
    return clock_time(float(line.get("at") or 0))


def _plain(line: Mapping[str, Any]) -> str:
    text = clean(line.get("text", "")).replace("\n", "\n    ")
    return f"{_when(line)} {_who(line)}: {text}"
