"""What the calls return: the server's answers as REST gives them, with a face in the notebook.

Every result is a plain dict, list or str, so that code can go on with it; its keys can also be
read as attributes. In a notebook it shows itself as a table or a sentence, in HTML and as text.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, final

from ...errors import InviteMalformedError
from ..durations import format_duration
from .markup import (
    BAD,
    GOOD,
    WARN,
    Html,
    ago,
    box,
    clock_time,
    code,
    coloured,
    escape,
    faint,
    join,
    line,
    rtt,
    strong,
    table,
    tag,
    text_table,
)

_STATUS_COLOURS = {"connected": GOOD, "connecting": WARN, "blocked": BAD}
_INVITE_COLOURS = {"open": GOOD, "revoked": BAD}


class Shown:
    """Something with a face: HTML for notebooks, plain text for terminals."""

    __slots__ = ()

    @abstractmethod
    def _html(self) -> Html: ...

    @abstractmethod
    def _text(self) -> str: ...

    def to_text(self) -> str:
        """Return it as a terminal shows it."""
        return self._text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": box(self._html()), "text/plain": self._text()}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # For dict, list and str IPython has a printer that would go before the bundle's text.
        printer.text(self._text())


class Record(dict[str, Any]):
    """A JSON object whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__} has no {name!r}; it has {', '.join(self) or 'nothing'}"
            ) from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self})


class Records(Shown, list[Record]):
    """A JSON array of objects, with a face."""

    def __init__(self, items: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__(Record(item) for item in items)


def peer_title(peer: Mapping[str, Any]) -> str:
    """Return the name by which people know a peer: alias, node name or id."""
    return line(peer.get("alias") or peer.get("node_name") or peer.get("node_id") or "?", 64)


class Identity(Shown, Record):
    """Who this node is: ``node_id, public_key, node_name, capabilities, addresses, fingerprint``."""

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("name", line(self.get("node_name", ""))),
            ("node id", str(self.get("node_id", ""))),
            ("fingerprint", str(self.get("fingerprint", ""))),
            ("addresses", ", ".join(self.get("addresses") or []) or "none known yet"),
        ]

    def _html(self) -> Html:
        return join(
            tag("div", faint(f"{name}: "), code(value) if name != "name" else strong(value))
            for name, value in self._rows()
        )

    def _text(self) -> str:
        return "\n".join(f"{name + ':':<13}{value}" for name, value in self._rows())


class Peer(Shown, Record):
    """One peer, with the keys of ``GET peers``."""

    def _path(self) -> str:
        path = line(self.get("transport") or "", 32)
        time_there = rtt(self.get("rtt_ms"))
        return f"{path}, {time_there}" if path and time_there else path

    def _text(self) -> str:
        path = self._path()
        name, status = peer_title(self), self.get("status", "")
        return f"{name} ({self.get('node_id', '')}) is {status}" + (f" by {path}" if path else "")

    def _html(self) -> Html:
        path = self._path()
        return tag(
            "div",
            strong(peer_title(self)),
            Html(" "),
            code(self.get("node_id", "")),
            Html(" is "),
            peer_status(self),
            escape(f" by {path}" if path else ""),
        )


def peer_status(peer: Mapping[str, Any]) -> Html:
    """Return whether a peer is connected, in its colour."""
    status = str(peer.get("status", ""))
    colour = _STATUS_COLOURS.get(status)
    return coloured(status, colour) if colour else faint(status)


class Peers(Shown, list[Peer]):
    """The known peers; ``me`` is this node, ``found`` are nodes nearby that are no peers."""

    def __init__(
        self,
        peers: Iterable[Mapping[str, Any]] = (),
        me: Mapping[str, Any] = {},
        found: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(Peer(peer) for peer in peers)
        self.me = Record(me)
        self.found = [Record(node) for node in found]

    _HEADS = ("peer", "node id", "status", "path", "RTT", "trust", "last seen", "panes offered")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                peer_title(peer),
                str(peer.get("node_id", "")),
                str(peer.get("status", "")),
                line(peer.get("transport") or "-", 32),
                rtt(peer.get("rtt_ms")) or "-",
                trust_of(peer),
                "now" if peer.get("status") == "connected" else ago(peer.get("last_seen")),
                ", ".join(map(_pane_name, peer.get("panes") or ())) or "-",
            )
            for peer in self
        ]

    _NOBODY = "no peers yet: %peer invite mints an invite to give, %peer pair takes one"

    def _html(self) -> Html:
        if not self:
            return join([faint(self._NOBODY), self._found_html()])
        rows = [
            (strong(row[0]), code(row[1]), peer_status(peer), *map(escape, row[3:]))
            for peer, row in zip(self, self._rows(), strict=True)
        ]
        peers = table(f"{len(self)} peer{'s' * (len(self) != 1)}", self._HEADS, rows)
        return join([peers, self._found_html()])

    def _found_html(self) -> Html:
        if not self.found:
            return Html("")
        rows = [
            (strong(row[0]), code(row[1]), *map(escape, row[2:])) for row in found_rows(self.found)
        ]
        return table("found nearby, not paired", FOUND_HEADS, rows)

    def _text(self) -> str:
        peers = text_table(self._HEADS, self._rows()) if self else self._NOBODY
        return peers + found_text(self.found)


FOUND_HEADS = ("found nearby, not paired", "node id", "by", "address")


def found_rows(found: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the cells of a table of nodes that discovery sees."""
    return [
        (
            line(node.get("node_name") or "-", 64),
            line(node.get("node_id") or "", 16),
            line(node.get("source") or "", 32),
            line(next(iter(node.get("addresses") or ()), "-")),
        )
        for node in found
    ]


def found_text(found: Iterable[Mapping[str, Any]]) -> str:
    """Return those nodes as text to put behind the list of peers; empty when there are none."""
    rows = found_rows(found)
    return "\n\n" + text_table(FOUND_HEADS, rows) if rows else ""


def trust_of(peer: Mapping[str, Any]) -> str:
    """Return why a peer may connect: paired, for the moment by a policy, or not at all."""
    if peer.get("blocked"):
        return "blocked"
    if peer.get("trusted"):
        return "trusted"
    origin = peer.get("origin")
    if origin not in ("directory", "open-lan"):
        return "not trusted"
    return f"by {origin}" if peer.get("status") == "connected" else f"if {origin} says so"


def _pane_name(pane: object) -> str:
    return line(pane.get("name", "?") if isinstance(pane, Mapping) else pane, 64)


_HERE_ONLY = (
    "It works on this machine alone: nobody else can dial the addresses in it. For other machines "
    "set PeerExtension.peer_listen or relay_url and make a new one; %peer doctor says more."
)


@final
class Invite(Shown, str):
    """A fresh invite: the text to give away, with its ``id`` and when it ``expires``."""

    __slots__ = ("expires", "id", "note")

    id: str
    expires: float
    note: str

    def __new__(cls, text: str, *, id: str, expires: float, note: str = "") -> Invite:
        self = super().__new__(cls, text)
        self.id, self.expires, self.note = id, expires, note
        return self

    @property
    def text(self) -> str:
        """The text to give away, as a plain str."""
        return str.__str__(self)

    @property
    def invite(self) -> str:
        """The same under the name REST gives it."""
        return self.text

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.text,), {"id": self.id, "expires": self.expires, "note": self.note}

    def _remarks(self) -> list[str]:
        left = format_duration(self.expires - time.time())
        remarks = [f"invite {self.id}", f"works once, until {clock_time(self.expires)} ({left})"]
        return [*remarks, f"note: {line(self.note)}"] if self.note else remarks

    def warning(self) -> str:
        """Return what is to be known before it is sent to another machine; empty for nothing."""
        # Only who mints an invite pays for the parsing of one.
        from ...wire.invite import Invite as Content

        try:
            is_dialable = Content.from_text(self.text).leads_elsewhere
        except InviteMalformedError:
            return ""
        return "" if is_dialable else _HERE_ONLY

    def _html(self) -> Html:
        return join(
            [
                tag("div", escape("Give this to one person; they run "), code("%peer pair …")),
                tag("div", code(self.text), style="margin: 4px 0;"),
                tag("div", faint(" · ".join(self._remarks()))),
                tag("div", coloured(warning, WARN)) if (warning := self.warning()) else Html(""),
            ]
        )

    def _text(self) -> str:
        return "\n".join(filter(None, (self.text, *self._remarks(), self.warning())))


class Invites(Shown, list[Record]):
    """The invites this node made: ``id, created, expires, note, status, used_by, used_at``."""

    def __init__(self, invites: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__(Record(invite) for invite in invites)

    _HEADS = ("id", "status", "expires", "note", "used by")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(invite.get("id", "")),
                str(invite.get("status", "")),
                clock_time(invite.get("expires") or 0),
                line(invite.get("note") or "-"),
                line(invite.get("used_by") or "-"),
            )
            for invite in self
        ]

    def _html(self) -> Html:
        if not self:
            return faint(self._text())
        rows = [
            (
                code(row[0]),
                coloured(row[1], _INVITE_COLOURS[row[1]])
                if row[1] in _INVITE_COLOURS
                else faint(row[1]),
                *map(escape, row[2:]),
            )
            for row in self._rows()
        ]
        return table("invites", self._HEADS, rows)

    def _text(self) -> str:
        if not self:
            return "no invites: %peer invite mints one"
        return text_table(self._HEADS, self._rows())


_MAY = {"view": "may view", "interact": "may view and use", "none": "cannot see"}


def granted(name: str, peer: str, grant: str) -> str:
    """Return what a peer may do with a pane from now on, as a sentence."""
    return f"{peer} {_MAY[grant]} {name}"


class Panes(Shown, Record):
    """``mine`` (with viewers and grants) and those ``offered`` to this node.

    Args:
        answer: As the server gives them.
        peers: Those known now, by whose names the grants are shown.
    """

    def __init__(self, answer: Mapping[str, Any], peers: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__(
            mine=[Record(pane) for pane in answer.get("mine", ())],
            offered=[Record(pane) for pane in answer.get("offered", ())],
        )
        self._titles = {peer["node_id"]: peer_title(peer) for peer in peers}

    _MINE = ("pane", "title", "granted to", "watching")
    _OFFERED = ("open as", "title", "grant")

    def _my_rows(self) -> list[tuple[str, ...]]:
        return [
            (
                line(pane.get("name", "?")),
                line(pane.get("title") or "-"),
                ", ".join(
                    f"{self._titles.get(node, node)} ({grant})"
                    for node, grant in (pane.get("grants") or {}).items()
                )
                or "nobody yet",
                ", ".join(peer_title(viewer) for viewer in pane.get("viewers") or ()) or "nobody",
            )
            for pane in self["mine"]
        ]

    def _offered_rows(self) -> list[tuple[str, ...]]:
        return [
            (
                f"{peer_title(pane.get('peer') or {})}/{line(pane.get('name', '?'))}",
                line(pane.get("title") or "-"),
                line(pane.get("grant") or "-"),
            )
            for pane in self["offered"]
        ]

    def _html(self) -> Html:
        parts = []
        for caption, heads, rows, none in (
            ("my panes", self._MINE, self._my_rows(), "you share no pane: %%peer share NAME"),
            ("offered to me", self._OFFERED, self._offered_rows(), "no pane is offered to you"),
        ):
            cells = [(strong(row[0]), *map(escape, row[1:])) for row in rows]
            parts.append(table(caption, heads, cells) if cells else tag("div", faint(none)))
        return join(parts)

    def _text(self) -> str:
        mine, offered = self._my_rows(), self._offered_rows()
        return "\n\n".join(
            (
                "my panes\n" + text_table(self._MINE, mine)
                if mine
                else "you share no pane: %%peer share NAME",
                "offered to me\n" + text_table(self._OFFERED, offered)
                if offered
                else "no pane is offered to you",
            )
        )


class AuditLog(Shown, list[Record]):
    """The audit log, newest first: ``at, kind, peer, detail``.

    Args:
        entries: As the server gives them.
        peers: Those known now, by whose names the entries are shown.
    """

    def __init__(
        self, entries: Iterable[Mapping[str, Any]] = (), peers: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(Record(entry) for entry in entries)
        self._titles = {peer["node_id"]: peer_title(peer) for peer in peers}

    _HEADS = ("when", "what", "peer", "detail")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                clock_time(entry.get("at") or 0),
                line(entry.get("kind", "").replace("_", " ")),
                self._value("peer", entry.get("peer") or "-"),
                line(
                    ", ".join(
                        f"{name.replace('_', ' ')} {self._value(name, value)}"
                        for name, value in (entry.get("detail") or {}).items()
                    )
                    or "-"
                ),
            )
            for entry in self
        ]

    def _value(self, name: str, value: Any) -> str:
        if isinstance(value, list):
            return " and ".join(self._value(name, item) for item in value) or "nobody"
        if name == "expires" and isinstance(value, (int, float)):
            return clock_time(value)
        return self._titles.get(value) or line(value)

    def _html(self) -> Html:
        if not self:
            return faint(self._text())
        rows = [tuple(map(escape, row)) for row in self._rows()]
        return table("audit log, newest first", self._HEADS, rows)

    def _text(self) -> str:
        return text_table(self._HEADS, self._rows()) if self else "nothing in the audit log yet"


class Done(Shown, Record):
    """What a command that only changes something says: a sentence."""

    def __init__(self, sentence: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(answer or {})
        self._sentence = sentence

    def _html(self) -> Html:
        return escape(self._sentence)

    def _text(self) -> str:
        return line(self._sentence, 500)


class Help(Shown):
    """The help of one command, as preformatted text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _html(self) -> Html:
        return tag("pre", escape(self.text), style="margin: 0; white-space: pre-wrap;")

    def _text(self) -> str:
        return self.text


class Overview(Help):
    """The list of all commands.

    Args:
        text: For terminals.
        head, foot: A sentence before and after the list.
        commands: Each how it is written and what it does.
    """

    def __init__(
        self, text: str, head: str, commands: Iterable[tuple[str, str]], foot: str
    ) -> None:
        super().__init__(text)
        self._head, self._foot = head, foot
        self._commands = list(commands)

    def _html(self) -> Html:
        rows = [(code(usage), escape(summary)) for usage, summary in self._commands]
        return join(
            (
                tag("div", strong(self._head)),
                table("", ("command", "what it does"), rows),
                tag("div", faint(self._foot)),
            )
        )
