"""The lobby: who is there, and rooms to meet in."""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Bool, Unicode

from ..server_client.client import Client
from ..server_client.results.markup import text_table
from ..server_client.results.rooms import (
    MEMBER_HEADS,
    ROOM_HEADS,
    WHO_HEADS,
    Lobby,
    room_rows,
    who_rows,
)
from .shared.command import UsageError
from .shared.server_command import ServerCommand


class LobbyCommand(ServerCommand):
    """Stands at the lobby, or not."""

    name = "jupyter-peer-lobby"
    words = "[ACTION]"
    description = (
        "How this node stands at its lobby. ACTION is `on` (everybody there may see its name and "
        "id), `off` (leave the lobby, its rooms too) or `who` (list those who are seen). Without "
        "it nothing changes."
    )

    def ask(self, client: Client) -> dict[str, Any]:
        action = self.extra_args[0] if self.extra_args else "status"
        if action == "who":
            return {"nodes": list(client.lobby_who())}
        calls = {"status": client.lobby, "on": client.lobby_on, "off": client.lobby_off}
        if action not in calls:
            raise UsageError(f"ACTION is on, off or who, not {action!r}")
        return calls[action]()

    def show(self, answer: dict[str, Any]) -> str:
        if "nodes" not in answer:
            return "\n".join(Lobby(answer).sentences())
        if not answer["nodes"]:
            return "nobody is listed at the lobby: `jupyter peer lobby on` lists this node"
        return text_table(WHO_HEADS, who_rows(answer["nodes"]))


class RoomsCommand(ServerCommand):
    """Lists the rooms."""

    name = "jupyter-peer-rooms"
    description = "List the rooms this node is in, with their members, and the public ones."

    def ask(self, client: Client) -> dict[str, Any]:
        return {"rooms": list(client.rooms())}

    def show(self, answer: dict[str, Any]) -> str:
        rooms = answer["rooms"]
        if not rooms:
            return "no rooms: `jupyter peer room create NAME` makes one"
        parts = [text_table(ROOM_HEADS, room_rows(rooms))]
        parts += [
            f"in {room['name']}\n" + text_table(MEMBER_HEADS, who_rows(room["members"]))
            for room in rooms
            if room["members"]
        ]
        return "\n\n".join(parts)


class RoomCommand(ServerCommand):
    """Makes, enters and leaves rooms."""

    name = "jupyter-peer-room"
    words = "ACTION NAME"
    description = (
        "Meet others in a room of the lobby. ACTION is `create`, `join` or `leave`. Members see "
        "each other and where each can be dialled; to connect they still pair by an invite, or "
        "are let in by a directory. A room ends when the last one leaves."
    )
    examples = """
        jupyter peer room create class --for=token     # prints the token to hand on
        jupyter peer room join class --token=...
        jupyter peer room leave class
    """

    join_policy = Unicode(
        "open", help="create: who may join: open (who names it), token or directory."
    ).tag(config=True)
    public = Bool(False, help="create: whether everybody at the lobby sees it listed.").tag(
        config=True
    )
    group = Unicode("", help="create: the group of the directory that may join.").tag(config=True)
    token = Unicode("", help="join: the token that somebody in the room gave you.").tag(config=True)

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "public": ({"RoomCommand": {"public": True}}, "create: list it for everybody."),
        **ServerCommand.flags,
    }
    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "for": "RoomCommand.join_policy",
        "group": "RoomCommand.group",
        "token": "RoomCommand.token",
        **ServerCommand.aliases,
    }

    def ask(self, client: Client) -> dict[str, Any]:
        action, name = self.extra_args
        if action == "create":
            visibility = "public" if self.public else "unlisted"
            room = client.create_room(name, visibility, self.join_policy, self.group or None)
        elif action == "join":
            room = client.join_room(name, self.token or None)
        elif action == "leave":
            client.leave_room(name)
            return {}
        else:
            raise UsageError(f"ACTION is create, join or leave, not {action!r}")
        token = room.pop("token")
        return {"room": dict(room), "token": token}

    def show(self, answer: dict[str, Any]) -> str:
        if not answer:
            return f"you have left {self.extra_args[1]}"
        members = text_table(MEMBER_HEADS, who_rows(answer["room"]["members"]))
        return f"in {answer['room']['name']}\n{members}"

    def note(self, answer: dict[str, Any]) -> str:
        if not answer.get("token"):
            return ""
        name = answer["room"]["name"]
        return (
            "its token is shown once; who is to join runs: "
            f"jupyter peer room join {name} --token={answer['token']}"
        )
