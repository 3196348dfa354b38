"""The commands about the lobby and its rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...results.drawing.shown import Shown
from .. import known
from ..command import Argument, Command, Values
from ..surface import Surface

if TYPE_CHECKING:
    from ...client import Client


def _lobby(me: Client, values: Values, at: Surface) -> Shown:
    calls = {
        "status": me.lobby,
        "on": me.lobby_on,
        "off": me.lobby_off,
        "who": me.lobby_who,
    }
    return calls[values.action]()


def _room(me: Client, values: Values, at: Surface) -> Shown:
    if values.action == "create":
        visibility = "public" if values.public else "unlisted"
        return me.create_room(values.name, visibility, values.join_policy, values.group)
    if values.action == "join":
        return me.join_room(values.name, values.token)
    return me.leave_room(values.name)


ROWS = (
    Command(
        "lobby",
        "show this node's state at the lobby, list it there, or see who is listed",
        _lobby,
        (
            Argument(
                "action",
                "on: list this node, so that everybody there sees its name and id; off: leave the "
                "lobby and its rooms; who: show who is listed; without it, show the state",
                ("on", "off", "who"),
                choices=("on", "off", "who", "status"),
                metavar="on|off|who",
                default="status",
                optional=True,
            ),
        ),
    ),
    Command(
        "rooms",
        "list the rooms you are in, with their members, and the public ones",
        lambda me, values, at: me.rooms(),
    ),
    Command(
        "room",
        "create, join or leave a room of the lobby",
        _room,
        (
            Argument("action", "what to do", choices=("create", "join", "leave")),
            Argument("name", "letters, digits, dots, dashes, underscores", known.rooms),
            Argument(
                "--for",
                "create: who can join: open (anyone who knows the name), token, directory",
                choices=("open", "token", "directory"),
                default="open",
                dest="join_policy",
            ),
            Argument("--public", "create: list the room for everybody", kind=bool),
            Argument("--group", "create: only this group of the directory can join"),
            Argument("--token", "join: the token that a member gave you"),
        ),
        details="Members see each other and each other's addresses. To connect, they still pair "
        "with an invite or trust a directory. A room ends when its last member leaves.",
        examples=(
            "peer room create class --for=token",
            "peer room join class --token=...",
            "peer room leave class",
        ),
    ),
)
