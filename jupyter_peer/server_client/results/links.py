"""Results of the calls about guest links."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, final

from ...document.qr import qr_blocks, qr_svg
from ...wire.addresses import leads_here
from ..durations import format_duration
from .drawing.blocks import Block, Line, Preformatted, Table, Text, note
from .drawing.markup import Html, ago, clock_time, join, line
from .drawing.shown import Record, Shown

_MAY = {"view": "view", "interact": "use"}
_LOCAL_ONLY = (
    "Only browsers on this machine can open this link: no other machine can reach this node. "
    "%peer reach network lets this network reach it; then make a new link. "
    "%peer reach shows the other ways."
)


class _Blocks(Preformatted):
    """A QR code in plain text; in HTML it is drawn as a picture."""

    is_note = True

    def html(self) -> Html:
        return Html("")


@final
class Link(Shown, str):
    """A new guest link: the URL to give away, with its ``id`` and when it ``expires``."""

    __slots__ = ("expires", "grant", "id", "is_drawn", "pane")

    id: str
    expires: float
    pane: str
    grant: str
    #: Whether its QR code stands in plain text, too.
    is_drawn: bool

    def __new__(
        cls, url: str, *, id: str, expires: float, pane: str, grant: str, is_drawn: bool = False
    ) -> Link:
        self = super().__new__(cls, url)
        self.id, self.expires, self.pane, self.grant = id, expires, pane, grant
        self.is_drawn = is_drawn
        return self

    @property
    def url(self) -> str:
        """The URL, as a plain str."""
        return str.__str__(self)

    @property
    def link(self) -> str:
        """The URL under the name that REST uses."""
        return self.url

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        facts = {"id": self.id, "expires": self.expires, "pane": self.pane, "grant": self.grant}
        return (self.url,), {**facts, "is_drawn": self.is_drawn}

    def drawn(self) -> Link:
        """Return it with its QR code in plain text, for a terminal."""
        facts = {**self.__getnewargs_ex__()[1], "is_drawn": True}
        return Link(self.url, **facts)

    def _repr_svg_(self) -> str:
        return qr_svg(self.url)

    def to_html(self) -> Html:
        return join([super().to_html(), Html(f"<div>{qr_svg(self.url)}</div>")])

    def _describe(self) -> list[Block]:
        left = format_duration(self.expires - time.time())
        return [
            Line(Text(self.url, "code")),
            note(
                f"whoever has this link can {_MAY[self.grant]} {self.pane} in any browser until "
                f"{clock_time(self.expires)} ({left} left)"
            ),
            note(f"to stop it: %peer unlink {self.id}; who has it open: %peer links"),
            *([note(Text(_LOCAL_ONLY, "warn"))] if leads_here(self.url) else []),
            *([_Blocks(qr_blocks(self.url))] if self.is_drawn else []),
        ]

    def to_json(self) -> Any:
        return {"link": self.url, "id": self.id, "expires": self.expires}


class Links(Shown, list[Record]):
    """The guest links: ``id, pane, grant, expires, max_guests, guests``."""

    _KEY = "links"

    def __init__(self, links: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__(Record(link) for link in links)

    def _describe(self) -> list[Block]:
        if not self:
            return [Line(Text("You have no guest links. Make one: %peer link NAME", "faint"))]
        rows = [
            (
                Text(link["id"], "code"),
                Text(line(link["pane"]), "strong"),
                f"can {_MAY.get(link['grant'], '?')}",
                clock_time(link["expires"]),
                f"{len(link['guests'])} of {link['max_guests']}",
                ", ".join(map(_guest, link["guests"])) or "-",
            )
            for link in self
        ]
        heads = ("id", "pane", "guests", "expires", "open", "who has it open")
        return [Table(heads, rows, "guest links")]


def _guest(guest: Mapping[str, Any]) -> str:
    name = line(guest.get("name") or "", 64) or "no name"
    return f"{name} ({guest['id']}, {line(guest['path'], 16)}, {ago(guest['since'])})"
