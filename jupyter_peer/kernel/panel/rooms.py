"""The part of the panel for rooms; hidden without a lobby."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from ...server_client.client import Client
from ...server_client.connection import Json
from ...server_client.results.drawing.markup import (
    BAD,
    Html,
    box,
    code,
    coloured,
    escape,
    faint,
    join,
    line,
    strong,
    tag,
)
from ...server_client.results.rooms import who_rows
from .parts import Action, Row, button, heading, remark


class RoomsPart(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Creates, joins and leaves rooms, and shows their members.

    Args:
        client: The connection to this kernel's server.
        do: Runs an action of a click.
        say: Shows the result.

    Attributes:
        name_text: Name of the room to create or join.
        token_text: Its token.
        rows: One row for each room.
        who: The nodes that the lobby lists, after the first request.
    """

    def __init__(
        self,
        client: Client,
        do: Callable[[Action, widgets.Button], None],
        say: Callable[[Html], None],
    ) -> None:
        self._client = client
        self._do = do
        self._say = say
        self._lines: dict[str, Row] = {}
        self.name_text = widgets.Text(
            placeholder="name of a room",
            tooltip="Name of the room to create or join",
            layout={"flex": "1 1 8em", "min_width": "6em"},
        )
        self.token_text = widgets.Text(
            placeholder="its token, if it has one",
            tooltip="Token of the room to join",
            layout={"flex": "1 1 8em", "min_width": "6em"},
        )
        self.join_button = button("Join", "Join the room; members see your addresses")
        self.create_button = button("Make a room", "Anyone who knows its name can join")
        self.who_button = button("Who is listed", "Show who is listed at the lobby")
        self.rows = widgets.VBox()
        self.who = widgets.HTML(layout={"display": "none"})
        self.join_button.on_click(lambda clicked: do(self._join, clicked))
        self.create_button.on_click(lambda clicked: do(self._create, clicked))
        self.who_button.on_click(lambda clicked: do(self._ask_who, clicked))
        super().__init__(
            [
                heading("Rooms"),
                widgets.HBox([self.name_text, self.token_text]),
                widgets.HBox([self.join_button, self.create_button, self.who_button]),
                self.rows,
                self.who,
            ]
        )

    def show(self, lobby: Mapping[str, Any]) -> None:
        """Show the current rooms; empty without a lobby."""
        self.layout.display = "" if lobby.get("url") else "none"
        rooms = lobby.get("rooms") or []
        self.rows.children = [*(self._line(room) for room in rooms)] or [
            remark("You are in no room.")
        ]
        kept = {room["name"] for room in rooms}
        for name in [name for name in self._lines if name not in kept]:
            self._lines.pop(name).close()

    async def _join(self) -> None:
        token = self.token_text.value.strip()
        room = await self._client.aio.join_room(self.name_text.value.strip(), token or None)
        self._entered(room["name"], "to connect with a member, pair by an invite")

    async def _create(self) -> None:
        room = await self._client.aio.create_room(self.name_text.value.strip())
        self._entered(room["name"], "anyone who knows its name can join")

    async def _ask_who(self) -> None:
        nodes = await self._client.aio.lobby_who()
        self.who.value = box(
            tag("div", faint("Listed at the lobby:")),
            *(
                tag("div", strong(name), Html(" "), code(node_id), faint(f" {relation}"))
                for name, node_id, relation in who_rows(nodes)
            ),
            *([] if nodes else [faint("nobody")]),
        )
        self.who.layout.display = ""

    def _entered(self, name: str, advice: str) -> None:
        self.name_text.value = self.token_text.value = ""
        self._say(join((escape(f"You are in {line(name, 64)}: "), faint(advice))))

    async def _leave(self, name: str) -> None:
        await self._client.aio.leave_room(name)
        self._say(escape(f"You have left {line(name, 64)}."))

    def _line(self, room: Json) -> Row:
        name = str(room["name"])
        row = self._lines.get(name)
        if row is None:
            row = self._lines[name] = Row("Leave", f"Leave {name}")
            leave = functools.partial(self._leave, name)
            row.button.on_click(lambda clicked: self._do(leave, clicked))
        row.text.value = box(room_line(room))
        return row


def room_line(room: Mapping[str, Any]) -> Html:
    """Return a room and its members."""
    name = strong(line(room.get("name"), 64))
    if error := room.get("error"):
        return join((name, coloured(f" {line(error.get('message'))}", BAD)))
    members = ", ".join(_called(member) for member in room.get("members") or ())
    return join((name, faint(f" {members or 'connecting…'}")))


def _called(member: Mapping[str, Any]) -> str:
    if member.get("me"):
        return "you"
    away = " (away)" if member.get("away") else ""
    return line(member.get("node_name") or member.get("node_id") or "?", 64) + away
