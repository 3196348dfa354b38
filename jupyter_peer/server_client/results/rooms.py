"""Results of the calls about the lobby and rooms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .drawing.blocks import Block, Line, Piece, Table, Text, note
from .drawing.markup import line
from .drawing.shown import Record, Records, Shown
from .results import STATUS_LOOKS


def who_rows(nodes: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the name, the id and the relation to this node of each node at the lobby."""
    return [
        (
            line(node.get("node_name") or "-", 64),
            line(node.get("node_id") or "", 16),
            _relation(node),
        )
        for node in nodes
    ]


def _relation(node: Mapping[str, Any]) -> str:
    away = " (away)" if node.get("away") else ""
    if node.get("me"):
        return f"this is you{away}"
    return f"your peer, {node['peer']}{away}" if node.get("peer") else f"not paired{away}"


def _nodes(
    nodes: Iterable[Mapping[str, Any]], head: str, caption: str, *, is_titled: bool = False
) -> Table:
    rows = [(Text(name, "strong"), Text(node, "code"), you) for name, node, you in who_rows(nodes)]
    return Table((head, "node id", "you"), rows, caption, is_titled=is_titled)


def _members(room: Mapping[str, Any]) -> Table:
    title = f"in {line(room['name'], 64)}"
    return _nodes(room.get("members") or (), "member", title, is_titled=True)


def _who_can_join(room: Mapping[str, Any]) -> str:
    policy = room.get("join_policy")
    if policy == "directory":
        group = room.get("group")
        return f"{line(group)} of the directory" if group else "the directory"
    named = "everybody" if room.get("visibility") == "public" else "everybody who knows its name"
    return {"open": named, "token": "everybody who has its token"}.get(str(policy), "-")


def _room_row(room: Mapping[str, Any]) -> tuple[Piece, ...]:
    error = (room.get("error") or {}).get("message")
    return (
        Text(line(room.get("name") or "?", 64), "strong"),
        str(room.get("member_count", 0)),
        _who_can_join(room),
        line(room.get("visibility") or "-", 16),
        line(error or "in it", 80) if room.get("joined") else "-",
    )


class Who(Records):
    """The nodes listed at the lobby: ``node_id, node_name, me, peer, ...``."""

    _KEY = "nodes"

    def _describe(self) -> list[Block]:
        if not self:
            text = "Nobody is listed at the lobby. List this node: %peer lobby on"
            return [Line(Text(text, "faint"))]
        return [_nodes(self, "name", "listed at the lobby")]


class Rooms(Records):
    """The rooms this node is in, with their members, and the public ones."""

    _KEY = "rooms"
    _HEADS = ("room", "members", "who can join", "listed", "you")

    def _describe(self) -> list[Block]:
        if not self:
            return [Line(Text("There are no rooms. Create one: %peer room create NAME", "faint"))]
        return [
            Table(self._HEADS, map(_room_row, self), "rooms"),
            *(_members(room) for room in self if room.get("members")),
        ]


class Room(Shown, Record):
    """A room that this node has entered; its creator sees the ``token`` once."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(answer["room"], token=answer.get("token"))

    def _describe(self) -> list[Block]:
        blocks: list[Block] = [_members(self)]
        if self.get("token"):
            join = f"%peer room join {line(self['name'], 64)} --token {self['token']}"
            blocks.append(
                note("Its token is shown once. To join, others run: ", Text(join, "code"))
            )
        is_public = self.get("visibility") == "public"
        listed = "is listed for everybody" if is_public else "is not listed: tell people its name"
        blocks.append(note(f"{_who_can_join(self)} can join; it {listed}"))
        if any(not each.get("peer") and not each.get("me") for each in self.get("members") or ()):
            blocks.append(
                note(
                    "members see each other's addresses; to connect, pair with an invite: %peer invite"
                )
            )
        return blocks

    def to_json(self) -> Any:
        room = dict(self)
        return {"token": room.pop("token"), "room": room}


class Lobby(Shown, Record):
    """This node's state at its lobby: ``url, status, listed, rooms, error``."""

    def _describe(self) -> list[Block]:
        if not self.get("url"):
            return [
                Line(Text("this node has no lobby", "faint")),
                note(
                    "%peer reach relay URL uses the lobby of a relay; PeerExtension.lobby_url names another"
                ),
            ]
        status = str(self.get("status"))
        rooms = ", ".join(line(room.get("name"), 64) for room in self.get("rooms") or ())
        blocks: list[Block] = [
            Line(
                Text(f"lobby {line(self['url'])}: ", "strong"),
                Text(status, STATUS_LOOKS.get(status, "faint")),
            ),
            Line(
                "everybody there can see you" if self.get("listed") else "you are not listed there"
            ),
            Line(f"you are in {rooms}" if rooms else "you are in no room"),
        ]
        if error := self.get("error"):
            blocks.append(Line(Text(f"{error['message']}; trying again", "bad")))
        return blocks
