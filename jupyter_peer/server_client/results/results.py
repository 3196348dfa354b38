"""Results of the calls about this node, its invites, peers, panes and audit log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, final

from ...document.qr import invite_qr
from ..durations import format_duration
from .drawing.blocks import Block, Facts, Line, Look, Piece, Table, Text, note
from .drawing.markup import Html, ago, clock_time, join, line, rtt
from .drawing.shown import Done as Done, Record as Record, Shown

STATUS_LOOKS: dict[str, Look] = {"connected": "good", "connecting": "warn", "blocked": "bad"}
_INVITE_LOOKS: dict[str, Look] = {"open": "good", "revoked": "bad"}
_PATHS = {
    "direct": "directly",
    "relay": "through a relay",
    "lan": "in the local network",
    "webrtc": "through WebRTC",
    "loopback": "inside this process",
}


def peer_title(peer: Mapping[str, Any]) -> str:
    """Return the name by which people know a peer: alias, node name or id."""
    return line(peer.get("alias") or peer.get("node_name") or peer.get("node_id") or "?", 64)


_IDENTITY_ROWS = (
    ("node_id", "node id"),
    ("public_key", "public key"),
    ("fingerprint", "fingerprint"),
    ("guest_page", "SHA-256 of the guest page"),
)


class Identity(Shown, Record):
    """This node: ``node_id, public_key, node_name, capabilities, addresses, fingerprint``."""

    def _describe(self) -> list[Block]:
        return [
            Facts(
                [
                    ("name", Text(line(self.get("node_name", "")), "strong")),
                    *(
                        (label, Text(self[key], "code"))
                        for key, label in _IDENTITY_ROWS
                        if self.get(key)
                    ),
                    *(("address", Text(each, "code")) for each in self.get("addresses") or ()),
                    *(() if self.get("addresses") else [("address", "none known yet")]),
                ]
            )
        ]


class Peer(Shown, Record):
    """One peer, with the keys of ``GET peers``."""

    _KEY = "peer"

    def _describe(self) -> list[Block]:
        name, node_id = Text(peer_title(self), "strong"), Text(self.get("node_id", ""), "code")
        called = _calls_itself(self)
        return [Line(name, " (", node_id, called, ") is ", peer_status(self), path_of(self))]


def peer_status(peer: Mapping[str, Any]) -> Text:
    """Return whether a peer is connected, in its colour."""
    status = str(peer.get("status", ""))
    return Text(status, STATUS_LOOKS.get(status, "faint"))


def _calls_itself(peer: Mapping[str, Any]) -> str:
    """Return ``, calls itself X``; empty if that is its name here."""
    name = line(peer.get("calls_itself") or "", 64)
    return f", calls itself {name}" if name else ""


def path_of(peer: Mapping[str, Any]) -> str:
    """Return how a peer is connected: `` directly, 6 ms``; empty when it is not."""
    path = line(peer.get("transport") or "", 32)
    if not path:
        return ""
    words = f" {_PATHS.get(path, f'by {path}')}"
    return f"{words}, {took}" if (took := rtt(peer.get("rtt_ms"))) else words


class Peers(Shown, list[Peer]):
    """The known peers.

    Attributes:
        me: This node.
        found: Nodes nearby that are not paired.
    """

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
    _FOUND = ("name", "node id", "found by", "address")

    def _describe(self) -> list[Block]:
        blocks: list[Block] = [
            Table(self._HEADS, map(_peer_row, self), f"{len(self)} peer{'s' * (len(self) != 1)}")
            if self
            else Line(Text("You have no peers yet. Make an invite: %peer invite", "faint"))
        ]
        if self.found:
            rows = map(_found_row, self.found)
            blocks.append(Table(self._FOUND, rows, "found nearby, not paired", is_titled=True))
        return blocks

    def to_json(self) -> Any:
        return {"self": self.me, "peers": self, "found": self.found}


def _peer_row(peer: Mapping[str, Any]) -> tuple[Piece, ...]:
    return (
        Text(peer_title(peer) + _calls_itself(peer), "strong"),
        Text(peer.get("node_id", ""), "code"),
        peer_status(peer),
        line(peer.get("transport") or "-", 32),
        rtt(peer.get("rtt_ms")) or "-",
        _trust(peer),
        "now" if peer.get("status") == "connected" else ago(peer.get("last_seen")),
        ", ".join(line(pane, 64) for pane in peer.get("panes") or ()) or "-",
    )


def _found_row(node: Mapping[str, Any]) -> tuple[Piece, ...]:
    return (
        Text(line(node.get("node_name") or "-", 64), "strong"),
        Text(line(node.get("node_id") or "", 16), "code"),
        line(node.get("source") or "", 32),
        line(next(iter(node.get("addresses") or ()), "-")),
    )


def _trust(peer: Mapping[str, Any]) -> str:
    """Return why a peer may connect: paired, by a policy for now, or not at all."""
    if peer.get("blocked"):
        return "blocked"
    if peer.get("trusted"):
        return "trusted"
    origin = peer.get("origin")
    if origin not in ("directory", "open-lan"):
        return "not trusted"
    return f"by {origin}" if peer.get("status") == "connected" else f"if {origin} allows it"


_LOCAL_ONLY = (
    "This invite works on this machine alone: other machines cannot dial this node. "
    "%peer reach network lets this network reach it; then make a new invite. "
    "%peer reach shows the other ways."
)


@final
class Invite(Shown, str):
    """A new invite: the text to send, with its ``id`` and its ``expires``.

    Attributes:
        local_only: Whether it works on this machine alone.
    """

    __slots__ = ("expires", "id", "local_only", "note")

    id: str
    expires: float
    note: str
    local_only: bool

    def __new__(
        cls, text: str, *, id: str, expires: float, note: str = "", local_only: bool = False
    ) -> Invite:
        self = super().__new__(cls, text)
        self.id, self.expires, self.note, self.local_only = id, expires, note, local_only
        return self

    @property
    def text(self) -> str:
        """The text to send, as a plain str."""
        return str.__str__(self)

    @property
    def invite(self) -> str:
        """The text under the name that REST uses."""
        return self.text

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        named = {"note": self.note, "local_only": self.local_only}
        return (self.text,), {"id": self.id, "expires": self.expires, **named}

    def to_html(self) -> Html:
        return join([super().to_html(), Html(f"<div>{invite_qr(self.text) or ''}</div>")])

    def _describe(self) -> list[Block]:
        left = format_duration(self.expires - time.time())
        blocks: list[Block] = [
            Line(Text(self.text, "code")),
            note(f"invite {self.id} works once, until {clock_time(self.expires)} ({left} left)"),
            note(
                "give it to one person, who runs: %peer pair INVITE; "
                f"to revoke it: %peer revoke {self.id}"
            ),
        ]
        if self.note:
            blocks.append(note(f"note: {line(self.note)}"))
        if self.local_only:
            blocks.append(note(Text(_LOCAL_ONLY, "warn")))
        return blocks

    def to_json(self) -> Any:
        return {
            "invite": self.text,
            "id": self.id,
            "expires": self.expires,
            "local_only": self.local_only,
        }


class Invites(Shown, list[Record]):
    """The invites made here: ``id, created, expires, note, status, used_by, used_at, code``."""

    _KEY = "invites"

    def __init__(self, invites: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__(Record(invite) for invite in invites)

    def _describe(self) -> list[Block]:
        if not self:
            return [Line(Text("You have made no invites. Make one: %peer invite", "faint"))]
        rows = [
            (
                Text(invite.get("id", ""), "code"),
                Text(_invite_status(invite), _INVITE_LOOKS.get(str(invite.get("status")), "faint")),
                ago(invite["created"]) if "created" in invite else "-",
                clock_time(invite.get("expires") or 0),
                line(invite.get("used_by") or "-"),
                line(invite.get("note") or "-"),
            )
            for invite in self
        ]
        return [Table(("id", "status", "made", "expires", "used by", "note"), rows, "invites")]


_CODE_WORDS = {
    "waiting": "code waits",
    "wrong": "wrong code used",
    "expired": "code expired",
    "ended": "code ended",
}


def _invite_status(invite: Mapping[str, Any]) -> str:
    parts = [str(invite.get("status", "")), _CODE_WORDS.get(str(invite.get("code")), "")]
    return ", ".join(filter(None, parts))


class AuditLog(Shown, list[Record]):
    """The audit log, newest first: ``at, kind, peer, detail``.

    Args:
        entries: Entries from the server.
        peers: The known peers; entries are shown by their names.
    """

    _KEY = "audit"

    def __init__(
        self, entries: Iterable[Mapping[str, Any]] = (), peers: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(Record(entry) for entry in entries)
        self._titles = {peer["node_id"]: peer_title(peer) for peer in peers}

    def _describe(self) -> list[Block]:
        if not self:
            return [Line(Text("The audit log is empty.", "faint"))]
        rows = [
            (
                clock_time(entry.get("at") or 0),
                line(entry.get("kind", "").replace("_", " ")),
                self._value("peer", entry.get("peer") or "-"),
                ", ".join(
                    f"{name.replace('_', ' ')} {self._value(name, value)}"
                    for name, value in (entry.get("detail") or {}).items()
                )
                or "-",
            )
            for entry in self
        ]
        return [Table(("when", "what", "peer", "detail"), rows, "audit log, newest first")]

    def _value(self, name: str, value: Any) -> str:
        if isinstance(value, list):
            return " and ".join(self._value(name, item) for item in value) or (
                "none" if name == "tools" else "nobody"
            )
        if name == "expires" and isinstance(value, (int, float)):
            return clock_time(value)
        return self._titles.get(value) or line(value)
