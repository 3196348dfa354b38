"""What the calls of lobby and rooms return, with a face in the notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .markup import (
    BAD,
    GOOD,
    WARN,
    Html,
    code,
    coloured,
    escape,
    faint,
    join,
    line,
    strong,
    table,
    tag,
    text_table,
)
from .results import Record, Records, Shown

_STATUS_COLOURS = {"connected": GOOD, "connecting": WARN}
_NOBODY = "nobody is listed at the lobby: %peer lobby on lists this node"
_NO_ROOMS = "no rooms: %peer room create NAME makes one"

WHO_HEADS = ("name", "node id", "you")
ROOM_HEADS = ("room", "members", "who may join", "listed", "you")
MEMBER_HEADS = ("member", "node id", "you")


def who_rows(nodes: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the cells of a table of nodes at the lobby."""
    return [
        (
            line(node.get("node_name") or "-", 64),
            line(node.get("node_id") or "", 16),
            _relation(node),
        )
        for node in nodes
    ]


def room_rows(rooms: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the cells of a table of rooms."""
    return [
        (
            line(room.get("name") or "?", 64),
            str(room.get("member_count", 0)),
            _may_join(room),
            line(room.get("visibility") or "-", 16),
            _membership(room),
        )
        for room in rooms
    ]


def _relation(node: Mapping[str, Any]) -> str:
    away = " (away)" if node.get("away") else ""
    if node.get("me"):
        return f"this is you{away}"
    return f"your peer, {node['peer']}{away}" if node.get("peer") else f"not paired{away}"


def _may_join(room: Mapping[str, Any]) -> str:
    policy = room.get("join_policy")
    if policy == "directory":
        group = room.get("group")
        return f"{line(group)} of the directory" if group else "the directory"
    named = "everybody" if room.get("visibility") == "public" else "who is told its name"
    return {"open": named, "token": "who has its token"}.get(str(policy), "-")


def _membership(room: Mapping[str, Any]) -> str:
    if not room.get("joined"):
        return "-"
    return line((room.get("error") or {}).get("message") or "in it", 80)


def _members_of(room: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return who_rows(room.get("members") or ())


class Who(Records):
    """Who is listed at the lobby: ``node_id, node_name, me, peer, ...``."""

    def _html(self) -> Html:
        return _table("listed at the lobby", WHO_HEADS, who_rows(self)) if self else faint(_NOBODY)

    def _text(self) -> str:
        return text_table(WHO_HEADS, who_rows(self)) if self else _NOBODY


class Rooms(Records):
    """The rooms this node is in, with their members, and the public ones."""

    def _html(self) -> Html:
        if not self:
            return faint(_NO_ROOMS)
        parts = [_table("rooms", ROOM_HEADS, room_rows(self))]
        parts += [
            _table(f"in {line(room['name'], 64)}", MEMBER_HEADS, _members_of(room))
            for room in self
            if room.get("members")
        ]
        return join(parts)

    def _text(self) -> str:
        if not self:
            return _NO_ROOMS
        parts = [text_table(ROOM_HEADS, room_rows(self))]
        parts += [
            f"in {line(room['name'], 64)}\n" + text_table(MEMBER_HEADS, _members_of(room))
            for room in self
            if room.get("members")
        ]
        return "\n\n".join(parts)


class Room(Shown, Record):
    """A room that this node is in now; ``token`` is there once, for who has made it."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(answer["room"], token=answer.get("token"))

    def _remarks(self) -> list[str]:
        listed = (
            "is listed for everybody at the lobby"
            if self.get("visibility") == "public"
            else ("is not listed: tell people its name")
        )
        remarks = [f"{_may_join(self)} may join; it {listed}"]
        if any(not each.get("peer") and not each.get("me") for each in self.get("members") or ()):
            remarks.append(
                "members see each other's addresses, and still pair by an invite: %peer invite"
            )
        return remarks

    def _html(self) -> Html:
        parts = [_table(f"in {line(self['name'], 64)}", MEMBER_HEADS, _members_of(self))]
        if self.get("token"):
            parts.append(
                tag(
                    "div",
                    escape("Its token, shown once; who is to join runs "),
                    code(f"%peer room join {line(self['name'], 64)} --token {self['token']}"),
                )
            )
        parts += [tag("div", faint(remark)) for remark in self._remarks()]
        return join(parts)

    def _text(self) -> str:
        name = line(self["name"], 64)
        lines = [f"in {name}", text_table(MEMBER_HEADS, _members_of(self))]
        if self.get("token"):
            lines.append("its token, shown once; who is to join runs:")
            lines.append(f"  %peer room join {name} --token {self['token']}")
        return "\n".join([*lines, *self._remarks()])


class Lobby(Shown, Record):
    """How this node stands at its lobby: ``url, status, listed, rooms, error``."""

    def sentences(self) -> list[str]:
        """Return it in words."""
        if not self.get("url"):
            return ["this node has no lobby: set PeerExtension.lobby_url"]
        listed = "everybody there can see you" if self.get("listed") else "you are not listed there"
        rooms = ", ".join(line(room.get("name"), 64) for room in self.get("rooms") or ())
        sentences = [f"lobby {line(self['url'])}: {self.get('status')}", listed]
        sentences.append(f"you are in {rooms}" if rooms else "you are in no room")
        error = self.get("error")
        return [*sentences, line(f"{error['message']}; it is tried again")] if error else sentences

    def _html(self) -> Html:
        if not self.get("url"):
            return faint(self._text())
        status = str(self.get("status"))
        colour = _STATUS_COLOURS.get(status)
        first, *rest = self.sentences()
        head = first.removesuffix(status)
        shown = coloured(status, colour) if colour else faint(status)
        bad = [coloured(rest.pop(), BAD)] if self.get("error") else []
        return join(
            [
                tag("div", strong(head), shown),
                *(tag("div", escape(text)) for text in rest),
                *(tag("div", text) for text in bad),
            ]
        )

    def _text(self) -> str:
        return "\n".join(self.sentences())


def _table(caption: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Html:
    return table(
        caption,
        heads,
        [
            (
                strong(row[0]),
                *(
                    code(cell) if head == "node id" else escape(cell)
                    for head, cell in zip(heads[1:], row[1:], strict=True)
                ),
            )
            for row in rows
        ],
    )
